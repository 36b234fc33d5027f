"""Run a module of adapters/ in a fresh process of a worker, and return the facts that it records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.execute.events import facts_of
from harness.execute.training import Request, Trainer, working_folder
from harness.execute.worker_process import WorkerFailure
from harness.files.machine_paths import without_machine_paths


class TaskFailure(Exception):
    """A task whose process did not end well. The message says how."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tasks:
    """Runs tasks one after the other, each in a process of its own."""

    trainer: Trainer

    def run(
        self,
        worker: str,
        module: str,
        task: Mapping[str, Any] | Callable[[Path], Mapping[str, Any]],
        *,
        steps: int = 0,
    ) -> dict[str, Any]:
        """Return what `run(adapter, recorder, task)` of a module recorded. Raises TaskFailure.

        `task`: what it is asked to do; or a function that says so, given the folder of the process.
        `steps`: optimizer steps that it trains.
        """
        with working_folder(self.trainer.workers, worker) as place:
            asked = task(Path(place)) if callable(task) else task
            request = Request(steps=steps, task_module=module, task=asked)
            try:
                ended, _ = self.trainer.run(worker, request, Path(place))
            except WorkerFailure as failure:
                raise TaskFailure(without_machine_paths(str(failure))) from failure
        if ended.outcome != "ok":
            raise TaskFailure(without_machine_paths(f"{ended.outcome}: {ended.reason}"))
        return facts_of(ended.events)
