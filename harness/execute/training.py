"""One framework training one job once in a process of its own: its config, its request, its watch, its log."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.execute.events import Event
from harness.execute.watch import Ended, Limits, run_cell
from harness.execute.worker_pool import WorkerPool
from harness.execute.worker_process import WorkerFacts
from harness.files.locations import without_machine_paths
from harness.job.inputs import Inputs
from harness.job.job import Job
from harness.job.native import NativeConfig, Workspace, deep_merge

if TYPE_CHECKING:
    from adapters.base import Adapter

MAX_LOG_BYTES = 1_000_000
LOG_LINES_IN_REASON = 3
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """How it went."""

    config: NativeConfig
    ended: Ended
    facts: WorkerFacts
    log: str
    trace_path: Path | None
    """What a witness saw, until the enclosing folder is removed; None for a timed process."""


def configure(
    adapter: Adapter, job: Job, inputs: Inputs, workers: WorkerPool, folder: Path, native: Mapping[str, Any] = NOTHING
) -> NativeConfig:
    """The native config of a process that works in `folder`, with `native` laid over it. Raises Unsupported."""
    config = adapter.configure(job, inputs, Workspace(device=workers.device, output_path=str(folder / "output")))
    return dataclasses.replace(config, options=deep_merge(config.options, native))


def train(
    framework: str,
    config: NativeConfig,
    *,
    workers: WorkerPool,
    folder: Path,
    limits: Limits,
    steps: int,
    audited: bool,
    on_event: Callable[[Event], None],
    enough: Mapping[str, Any] | None = None,
) -> Trained:
    """Train in a fresh process of the framework's worker, in `folder`, which is empty. Raises WorkerFailure.

    `steps` are the job's, or how many of them are audited. `enough`: harness.job.experiment.Enough and the job's
    warm-up.
    """
    trace = folder / "trace.json" if audited else None
    ended, printed = run_process(
        framework,
        steps=steps,
        native_config=dataclasses.asdict(config),
        trace=trace,
        workers=workers,
        folder=folder,
        limits=limits,
        on_event=on_event,
        enough=enough,
    )
    return Trained(config=config, ended=ended, facts=workers.facts[framework], log=printed, trace_path=trace)


def train_once(
    framework: str,
    adapter: Adapter,
    job: Job,
    inputs: Inputs,
    workers: WorkerPool,
    limits: Limits,
    *,
    native: Mapping[str, Any] = NOTHING,
    steps: int | None = None,
    audited: bool = False,
) -> Trained:
    """Configure and train a job, or so many of its steps, in a folder that is gone afterwards, a trace with it.

    Raises Unsupported and WorkerFailure.
    """
    with working_folder(workers, framework) as place:
        folder = Path(place)
        return train(
            framework,
            configure(adapter, job, inputs, workers, folder, native),
            workers=workers,
            folder=folder,
            limits=limits,
            steps=job.max_steps if steps is None else steps,
            audited=audited,
            on_event=lambda _: None,
        )


def run_process(
    framework: str,
    *,
    steps: int,
    workers: WorkerPool,
    folder: Path,
    limits: Limits,
    on_event: Callable[[Event], None],
    native_config: Mapping[str, Any] = NOTHING,
    trace: Path | None = None,
    probe: Mapping[str, Any] | None = None,
    output: str = "output",
    enough: Mapping[str, Any] | None = None,
) -> tuple[Ended, str]:
    """Start a process of the framework's worker on a request, and watch it: how it ended and the end of its log.

    It works in `folder`/`output`, which must not exist. Raises WorkerFailure.
    """
    workspace = folder / output
    workspace.mkdir()
    log, request = folder / "log.txt", folder / "request.json"
    worker = workers.for_cell(framework)
    content = {
        "workspace": str(workspace),
        "start": workers.start,
        "steps": steps,
        "memory_limit_bytes": limits.memory_bytes,
        "native_config": dict(native_config),
        "trace": None if trace is None else str(trace),
        "probe": probe,
        "enough": enough,
    }
    request.write_text(json.dumps(content), encoding="utf-8")
    try:
        ended = run_cell(
            worker,
            request,
            log,
            limits,
            on_event,
            on_gpu=workers.device == "cuda",
            waiting_pids=workers.waiting_pids,
        )
    finally:
        workers.release(worker)
    printed = log_tail(log)
    return _with_last_words(ended, printed), printed


def working_folder(workers: WorkerPool, name: str) -> tempfile.TemporaryDirectory[str]:
    """An empty folder in the run's scratch space, removed at the end of its `with`."""
    return tempfile.TemporaryDirectory(dir=workers.scratch, prefix=f"{name}-", ignore_cleanup_errors=True)


def log_tail(path: Path) -> str:
    """The end of what a cell printed, without this machine's paths; empty if it printed nothing."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - MAX_LOG_BYTES))
        return without_machine_paths(file.read().decode("utf-8", errors="replace"))


def _with_last_words(ended: Ended, log: str) -> Ended:
    """A cell that crashed, was killed or fell silent tells more with the end of its log."""
    reason = without_machine_paths(ended.reason)
    if ended.outcome in {"crashed", "killed", "timeout"}:
        words = [line.strip() for line in log.split("\n") if line.strip()][-LOG_LINES_IN_REASON:]
        reason = f"{reason}; its log ends: {' / '.join(words)}" if words else reason
    return dataclasses.replace(ended, reason=reason)
