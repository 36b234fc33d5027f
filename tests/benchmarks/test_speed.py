"""The harness's own cost, as ratios measured side by side: pytest -m slow tests/benchmarks."""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from rich.console import Console

from harness.cli.screens.progress import LiveObserver
from harness.environment.environment import Environment
from harness.execute.events import Event
from harness.execute.watch_cell import Limits, run_cell
from harness.execute.worker_process import WorkerProcess, worker_command
from harness.execute.worker_variables import worker_variables
from harness.files.locations import SOURCE_ROOT, cache_root
from harness.job.frameworks import load_adapter
from harness.job.job import Job
from harness.job.plan import Cell
from harness.job.recipe import Choices, resolve
from harness.prepare import prepare

pytestmark = pytest.mark.slow

PAIRS = 15
ITS_LIBRARIES = """
import numpy, pydantic, rich, typer, vl_convert
vl_convert.vegalite_to_svg('{"data": {"values": []}, "mark": "point"}')
"""


def seconds_of(command: list[str]) -> float:
    """Wall seconds of a whole process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def test_help_against_importing_its_libraries(benchmark: BenchmarkFixture) -> None:
    """Target: at most twice the time of importing typer and rich."""
    ours = [sys.executable, "-m", "harness", "--help"]
    theirs = [sys.executable, "-c", "import typer, rich"]
    seconds_of(ours)
    seconds_of(theirs)
    pairs = [(seconds_of(ours), seconds_of(theirs)) for _ in range(PAIRS)]
    benchmark.extra_info["ratio_to_imports"] = round(statistics.median(a / b for a, b in pairs), 2)
    benchmark.pedantic(seconds_of, args=(ours,), rounds=5)  # type: ignore[no-untyped-call]
    print(f"\n--help / importing typer and rich: {benchmark.extra_info['ratio_to_imports']} (median of {PAIRS} pairs)")


def test_a_report_over_the_reference_run(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Target: at most three seconds, figures included; scripts/measure_report.py does it over 10,000 cells."""
    reference = str(SOURCE_ROOT / "results" / "reference-cpu")
    ours = [sys.executable, "-m", "harness", "report", reference, "--output", str(tmp_path)]
    theirs = [sys.executable, "-c", ITS_LIBRARIES]
    pairs = [(seconds_of(ours), seconds_of(theirs)) for _ in range(5)]
    benchmark.extra_info["ratio_to_libraries"] = round(statistics.median(a / b for a, b in pairs), 2)
    benchmark.pedantic(seconds_of, args=(ours,), rounds=3)  # type: ignore[no-untyped-call]
    print(f"\nreport / its libraries and one empty figure: {benchmark.extra_info['ratio_to_libraries']} (median of 5)")


def test_the_controllers_share_of_a_core_while_a_cell_trains(
    benchmark: BenchmarkFixture, environments: dict[str, Environment], tmp_path: Path
) -> None:
    """Target: under 1% of a core, with the live table drawn."""
    job: Job = resolve(Choices(profile="cpu"), gpu_present=False).jobs["lora"]
    adapter = load_adapter("torchtune")
    variables = worker_variables(
        os.environ, threads=2, device="cpu", of_framework=adapter.environment, scratch=tmp_path
    )
    command = worker_command(environments["torchtune"].python, "torchtune")
    worker = WorkerProcess("torchtune", command, variables, folder=tmp_path, start="warm")
    worker.wait_until_ready(300)
    from adapters.base import Workspace

    config = adapter.configure(
        job, prepare(job, cache_root()), Workspace(device="cpu", output_path=str(tmp_path / "output"))
    )
    (tmp_path / "output").mkdir()
    request = tmp_path / "request.json"
    native = {name: getattr(config, name) for name in ("options", "filename", "command", "deviations")}
    content = {
        "workspace": str(tmp_path / "output"),
        "start": "warm",
        "steps": job.max_steps,
        "memory_limit_bytes": None,
        "enough": None,
        "trace": None,
        "task_module": "",
        "task": {},
        "native_config": native,
    }
    request.write_text(json.dumps(content), encoding="utf-8")
    cell = Cell(framework="torchtune", track="parity", repeat=1, job=job)
    clock: dict[str, tuple[float, float]] = {}

    def train() -> None:
        console = Console(file=io.StringIO(), force_terminal=True, width=120, height=40)
        with LiveObserver(console) as observer:
            observer.planned((cell,), frozenset())
            observer.cell_begins(cell)

            def hear(event: Event) -> None:
                clock[event.event] = time.process_time(), time.monotonic()
                observer.cell_event(cell, event)

            limits = Limits(timeout_seconds=300, silence_seconds=300)
            ended = run_cell(worker, request, tmp_path / "log.txt", limits, hear, on_gpu=False)
            assert ended.outcome == "ok", ended.reason

    benchmark.pedantic(train, rounds=1)  # type: ignore[no-untyped-call]
    worker.stop()
    (cpu_before, before), (cpu_after, after) = clock["training_begins"], clock["ended"]
    share = (cpu_after - cpu_before) / (after - before)
    benchmark.extra_info["share_of_a_core"] = round(share, 5)
    print(f"\ncontroller: {share:.3%} of a core over {after - before:.1f} s of training")
