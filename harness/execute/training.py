"""One framework training one job once in its own process: its config, its request, its watch, its log."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.execute.cell_log import log_tail, with_last_words
from harness.execute.events import Event
from harness.execute.watch_cell import Ended, Limits, run_cell
from harness.execute.worker_pool import WorkerPool
from harness.execute.worker_process import WorkerFacts
from harness.job.inputs import Inputs
from harness.job.job import Job
from harness.job.native import NativeConfig, Workspace, deep_merge

if TYPE_CHECKING:
    from adapters.base import Adapter

NOTHING: Mapping[str, Any] = {}
OUTPUT, TRACE = "output", "trace.json"
"""Names in the folder that a process works in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """How a training went."""

    config: NativeConfig
    ended: Ended
    facts: WorkerFacts
    log: str
    trace_path: Path | None
    """The witness's trace, until the enclosing folder is removed; None for a timed process."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """The task of a worker in a fresh process."""

    steps: int
    """Optimizer steps to train. After them the recorder has everything."""
    native_config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    trace: Path | None = None
    """Where a witness writes its trace; None for a timed process."""
    task_module: str = ""
    """The module of adapters/ whose `run` does something else than training; empty to train."""
    task: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What that module is asked to do."""
    enough: Mapping[str, Any] | None = None
    """harness.job.experiment.Enough and the job's warm-up; None to train the job to its end."""


def nobody(event: Event) -> None:
    """Ignore an event."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trainer:
    """Trains jobs in processes of a pool's workers, each within limits."""

    workers: WorkerPool
    limits: Limits

    def configure(
        self, adapter: Adapter, job: Job, inputs: Inputs, folder: Path, native: Mapping[str, Any] = NOTHING
    ) -> NativeConfig:
        """Return the native config of a process that works in `folder`, with `native` merged in. Raises Unsupported."""
        workspace = Workspace(device=self.workers.device, output_path=str(folder / OUTPUT))
        config = adapter.configure(job, inputs, workspace)
        return dataclasses.replace(config, options=deep_merge(config.options, native))

    def train(
        self,
        framework: str,
        config: NativeConfig,
        folder: Path,
        request: Request,
        on_event: Callable[[Event], None] = nobody,
    ) -> Trained:
        """Train in a fresh process of the framework's worker, in `folder`, which is empty. Raises WorkerFailure."""
        request = dataclasses.replace(request, native_config=dataclasses.asdict(config))
        ended, printed = self.run(framework, request, folder, on_event=on_event)
        facts = self.workers.facts[framework]
        return Trained(config=config, ended=ended, facts=facts, log=printed, trace_path=request.trace)

    def train_once(
        self,
        framework: str,
        adapter: Adapter,
        job: Job,
        inputs: Inputs,
        *,
        native: Mapping[str, Any] = NOTHING,
        steps: int | None = None,
        audited: bool = False,
    ) -> Trained:
        """Configure and train a job, or its first steps, in a folder that is removed afterwards, with its trace.

        Raises Unsupported and WorkerFailure.
        """
        with working_folder(self.workers, framework) as place:
            folder = Path(place)
            config = self.configure(adapter, job, inputs, folder, native)
            trace = folder / TRACE if audited else None
            request = Request(steps=job.max_steps if steps is None else steps, trace=trace)
            return self.train(framework, config, folder, request)

    def run(
        self,
        framework: str,
        request: Request,
        folder: Path,
        *,
        output: str = OUTPUT,
        on_event: Callable[[Event], None] = nobody,
    ) -> tuple[Ended, str]:
        """Start a process of the framework's worker on a request, and watch it to its end.

        Returns how it ended and the end of its log. It works in `folder`/`output`, which must not exist. Raises
        WorkerFailure.
        """
        workspace = folder / output
        workspace.mkdir()
        log, path = folder / "log.txt", folder / "request.json"
        worker = self.workers.for_cell(framework)
        path.write_text(json.dumps(self._message(request, workspace)), encoding="utf-8")
        try:
            ended = run_cell(
                worker,
                path,
                log,
                self.limits,
                on_event,
                on_gpu=self.workers.device == "cuda",
                waiting_pids=self.workers.waiting_pids,
            )
        finally:
            self.workers.release(worker)
        printed = log_tail(log)
        return with_last_words(ended, printed), printed

    def _message(self, request: Request, workspace: Path) -> dict[str, Any]:
        """Return the message that harness/worker/worker.py reads."""
        return {
            "workspace": str(workspace),
            "start": self.workers.start,
            "steps": request.steps,
            "memory_limit_bytes": self.limits.memory_bytes,
            "native_config": dict(request.native_config),
            "trace": None if request.trace is None else str(request.trace),
            "task_module": request.task_module,
            "task": dict(request.task),
            "enough": request.enough,
        }


def working_folder(workers: WorkerPool, name: str) -> tempfile.TemporaryDirectory[str]:
    """An empty folder in the run's scratch space, removed at the end of its `with`."""
    return tempfile.TemporaryDirectory(dir=workers.scratch, prefix=f"{name}-", ignore_cleanup_errors=True)
