"""Real cells of the real transformers framework, made to go wrong."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from adapters.base import Workspace
from harness.environment.environment import Environment
from harness.execute.events import Event, PeakMemory, Started, StepEnds, StepLogged, TrainingBegins
from harness.execute.watch_cell import Ended, Limits, run_cell
from harness.execute.worker_process import WorkerFailure, WorkerProcess, worker_command
from harness.execute.worker_variables import worker_variables
from harness.files.locations import cache_root
from harness.job.frameworks import load_adapter
from harness.job.inputs import Inputs
from harness.job.job import Job
from harness.prepare import prepare

PATIENT = Limits(timeout_seconds=120, silence_seconds=60)
Train = Callable[..., Ended]


@pytest.fixture(scope="module")
def inputs(small_job: Job) -> Inputs:
    return prepare(small_job, cache_root())


def start_worker(environments: dict[str, Environment], folder: Path, **variables: str) -> WorkerProcess:
    adapter = load_adapter("transformers")
    command = worker_command(environments["transformers"].python, "transformers")
    environment = worker_variables(
        {**os.environ, **variables}, threads=2, device="cpu", of_framework=adapter.environment, scratch=folder
    )
    return WorkerProcess("transformers", command, environment, folder=folder, start="warm")


@pytest.fixture(scope="module")
def worker(environments: dict[str, Environment], tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    worker = start_worker(
        environments,
        tmp_path_factory.mktemp("worker"),
        MY_API_KEY="hidden",
        PYTHONPATH="/nowhere",
        DATABASE_URL="x://me:word@host",
    )
    worker.wait_until_ready(300)
    yield worker
    worker.stop()


@pytest.fixture
def train(worker: WorkerProcess, inputs: Inputs, small_job: Job, tmp_path: Path) -> Train:
    def run(
        job: Job = small_job,
        limits: Limits = PATIENT,
        on_event: Callable[[Event], None] = lambda event: None,
        **changed: Any,
    ) -> Ended:
        workspace = Workspace(device="cpu", output_path=str(tmp_path / "output"))
        Path(workspace.output_path).mkdir(exist_ok=True)
        config = load_adapter("transformers").configure(job, dataclasses.replace(inputs, **changed), workspace)
        request = tmp_path / "request.json"
        content = {
            "workspace": workspace.output_path,
            "start": "warm",
            "steps": job.max_steps,
            "memory_limit_bytes": None,
            "trace": None,
            "task_module": "",
            "task": {},
            "enough": None,
            "native_config": dataclasses.asdict(config),
        }
        request.write_text(json.dumps(content), encoding="utf-8")
        return run_cell(worker, request, tmp_path / "log.txt", limits, on_event, on_gpu=False)

    return run


def pid_of(event: Event) -> int | None:
    return event.pid if isinstance(event, Started) else None


def test_a_cell_tells_every_step_over_its_own_pipe(train: Train, small_job: Job, tmp_path: Path) -> None:
    ended = train()
    assert (ended.outcome, ended.reason) == ("ok", "")
    steps = [event for event in ended.events if isinstance(event, StepEnds)]
    assert [event.step for event in steps] == list(range(1, small_job.max_steps + 1))
    assert '"event"' not in (tmp_path / "log.txt").read_text(encoding="utf-8")
    (peak,) = [event.peak_rss_bytes for event in ended.events if isinstance(event, PeakMemory)]
    assert (peak or 0) > 300e6


def test_two_cells_of_one_host_start_from_the_same_state(train: Train) -> None:
    def losses() -> list[float | None]:
        return [event.loss for event in train().events if isinstance(event, StepLogged)]

    assert losses() == losses()


def test_a_cell_that_crashes_is_recorded_with_its_error(train: Train, tmp_path: Path) -> None:
    ended = train(blocks_path="/no/such/blocks")
    assert ended.outcome == "crashed"
    assert "/no/such/blocks" in ended.reason
    assert "Traceback" in (tmp_path / "log.txt").read_text(encoding="utf-8")


def test_a_cell_that_runs_out_of_memory_is_no_crash(train: Train, small_job: Job) -> None:
    pids: list[int] = []

    def leave_no_room(event: Event) -> None:
        pids.extend(filter(None, [pid_of(event)]))
        if isinstance(event, TrainingBegins):
            process = psutil.Process(pids[0])
            limit = process.memory_info().vms + 50 * 2**20
            process.rlimit(psutil.RLIMIT_AS, (limit, limit))

    # 16 blocks of 32 want 311 MB for their logits alone.
    ended = train(dataclasses.replace(small_job, micro_batch_size=16), on_event=leave_no_room)
    assert ended.outcome == "oom", ended.reason


def test_a_cell_that_holds_more_than_its_budget_is_killed_and_out_of_memory(train: Train, small_job: Job) -> None:
    pids: list[int] = []
    ended = train(
        dataclasses.replace(small_job, max_steps=10_000),
        Limits(timeout_seconds=120, silence_seconds=60, memory_bytes=400 * 2**20),
        lambda event: pids.extend(filter(None, [pid_of(event)])),
    )
    assert ended.outcome == "oom"
    assert "more than the 0.39 GiB" in ended.reason
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_cell_that_takes_too_long_is_killed(train: Train, small_job: Job) -> None:
    pids: list[int] = []
    job = dataclasses.replace(small_job, max_steps=10_000)
    began = time.monotonic()
    ended = train(
        job,
        Limits(timeout_seconds=3, silence_seconds=60),
        lambda event: pids.extend(filter(None, [pid_of(event)])),
    )
    assert ended.outcome == "timeout"
    assert "3 s (--timeout)" in ended.reason
    assert time.monotonic() - began < 20
    assert not psutil.pid_exists(pids[0])


def test_a_cell_that_falls_silent_is_killed(train: Train) -> None:
    def freeze(event: Event) -> None:
        if isinstance(event, TrainingBegins):
            os.kill(pids[0], signal.SIGSTOP)
        pids.extend(filter(None, [pid_of(event)]))

    pids: list[int] = []
    ended = train(limits=Limits(timeout_seconds=60, silence_seconds=2), on_event=freeze)
    assert ended.outcome == "timeout"
    assert "reported nothing for 2 s" in ended.reason
    assert not psutil.pid_exists(pids[0])


@pytest.mark.parametrize(
    ("number", "outcome", "words"),
    [(signal.SIGKILL, "killed", "SIGKILL"), (signal.SIGSEGV, "crashed", "SIGSEGV")],
)
def test_a_cell_that_is_killed_from_outside_is_recorded_with_the_signal(
    train: Train, number: int, outcome: str, words: str
) -> None:
    def kill(event: Event) -> None:
        if pid := pid_of(event):
            os.kill(pid, number)

    ended = train(on_event=kill)
    assert (ended.outcome, words in ended.reason) == (outcome, True), ended.reason


def test_an_interrupted_controller_kills_the_cell(train: Train) -> None:
    pids: list[int] = []

    def interrupt(event: Event) -> None:
        pids.extend(filter(None, [pid_of(event)]))
        if isinstance(event, TrainingBegins):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(on_event=interrupt)
    assert not psutil.pid_exists(pids[0])


def test_the_host_outlives_its_cells(train: Train, worker: WorkerProcess) -> None:
    assert worker.process.poll() is None
    assert train().outcome == "ok"


def test_a_worker_sees_neither_secrets_nor_the_controllers_python(worker: WorkerProcess) -> None:
    environment = psutil.Process(worker.process.pid).environ()
    assert "MY_API_KEY" not in environment
    assert "PYTHONPATH" not in environment
    assert "DATABASE_URL" not in environment
    assert environment["OMP_NUM_THREADS"] == "2"
    assert environment["HF_HUB_OFFLINE"] == "1"


def test_a_framework_that_cannot_be_imported_says_why(environments: dict[str, Environment], tmp_path: Path) -> None:
    command = worker_command(environments["transformers"].python, "unsloth")
    environment = worker_variables(os.environ, threads=1, device="cpu", of_framework={}, scratch=tmp_path)
    worker = WorkerProcess("unsloth", command, environment, folder=tmp_path, start="warm")
    with pytest.raises(WorkerFailure, match="unsloth could not be imported: ModuleNotFoundError"):
        worker.wait_until_ready(120)
    assert worker.process.poll() is not None
