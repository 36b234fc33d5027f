"""The workers of a run. A warm one lives as long as the run, one per framework; cold and ahead ones, per cell."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.environment.environment import Environment
from harness.errors import EnvironmentBuildError
from harness.execute.worker_process import Device, Start, WorkerFacts, WorkerFailure, WorkerProcess, worker_command
from harness.execute.worker_variables import worker_variables
from harness.files.machine_paths import without_machine_paths
from harness.job.frameworks import load_adapter
from harness.machine.gpu import first_gpu
from harness.machine.host import training_threads

IMPORT_SECONDS = 600.0
"""Longest import of a framework, on a busy machine with a cold disk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameworkFacts:
    """A framework's environment and versions, for the run's record."""

    notes: tuple[str, ...] = ()
    """What every report says of the framework."""
    unavailable: str = ""
    """Why it cannot be imported; empty if it can."""
    environment: str | None = None
    """Name of its environment's folder: a digest of its content."""
    overlay: bool = False
    """True if that is an overlay over a node's packages."""
    version: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of Python and of the packages that a result must name."""
    import_seconds: float | None = None
    start_seconds: float | None = None
    """Seconds of an interpreter's start and the import."""
    fork_refused: str = ""
    """Why its cells are not forked."""


class WorkerPool:
    """Starts workers, chooses one way of starting cells for all, and stops every worker at the end."""

    def __init__(
        self,
        device: Device,
        environments: Mapping[str, Environment | EnvironmentBuildError],
        start: Start,
        scratch: Path,
    ) -> None:
        self.device: Device = device
        self.environments = environments
        self.scratch = scratch
        # A fork cannot carry a CUDA context, so on a GPU there is nothing to try.
        self.start: Start = "cold" if device == "cuda" and start == "warm" else start
        self.fork_refused: dict[str, str] = {}
        self.facts: dict[str, WorkerFacts] = {}
        self.failures: dict[str, str] = {}
        self._living: dict[str, WorkerProcess] = {}
        """Warm workers, by framework."""
        self._ahead: defaultdict[str, list[WorkerProcess]] = defaultdict(list)
        """Workers that import, or have imported, and wait for their cell."""
        self._waiting = threading.Lock()
        """Guards `_ahead`: audits take workers from several threads."""
        self._stopped = False
        self._cells: set[WorkerProcess] = set()
        """Workers that run a cell, unless they are warm."""

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_cells()
        for worker in (*self._living.values(), *(ahead for waiting in self._ahead.values() for ahead in waiting)):
            worker.stop()

    def stop_cells(self) -> None:
        """End every running cell and start no other. Not for warm workers."""
        self._stopped = True
        for worker in tuple(self._cells):
            worker.stop()

    @property
    def device_name(self) -> str:
        """The device of the cells, as results name it."""
        gpu = first_gpu() if self.device == "cuda" else None
        return "cpu" if gpu is None else gpu.name

    def start_all(self) -> None:
        """Import every framework, as many at once as there are threads; choose cold for all if one cannot fork.

        Workers that import ahead then wait for the first cells; those of cold cells end. All are started from the
        calling thread, one after the other: a worker ends with the thread that started it.
        """
        waiting: list[str] = []
        for framework, environment in self.environments.items():
            if isinstance(environment, EnvironmentBuildError):
                self.failures[framework] = str(environment)
                continue
            try:
                self._living[framework] = self._spawn(framework)
            except WorkerFailure as failure:
                self.failures[framework] = str(failure)
                continue
            waiting.append(framework)
            if len(waiting) >= training_threads():
                self._await_import(waiting.pop(0))
        for framework in waiting:
            self._await_import(framework)
        self.fork_refused = {name: facts.fork_refused for name, facts in self.facts.items() if facts.fork_refused}
        if self.start == "warm" and self.fork_refused:
            self.start = "cold"
        if self.start == "warm":
            return
        for framework in list(self._living):
            worker = self._living.pop(framework)
            if self.start == "ahead":
                self._ahead[framework].append(worker)
            else:
                worker.stop()

    @property
    def waiting_pids(self) -> frozenset[int]:
        """Process ids of the workers that wait for their cells."""
        with self._waiting:
            return frozenset(worker.process.pid for waiting in self._ahead.values() for worker in waiting)

    def next_pid(self, framework: str) -> int | None:
        """Return the waiting worker that becomes a framework's next cell; None if it is yet to be started."""
        waiting = self._living_ahead(framework)
        return waiting[0].process.pid if waiting else None

    def start_ahead(self, frameworks: Sequence[str]) -> bool:
        """Import side by side for the next cells before the first of them begins, so that nothing imports beside one.

        True if anything was started: only with `--start ahead`, and not while the first cell's worker is ready. A
        worker ends with the thread that calls this.
        """
        if self.start != "ahead" or self._living_ahead(frameworks[0]):
            return False
        begun = self.import_ahead(self.not_yet_ahead(frameworks))
        for worker in begun:
            # A failed import is tried again when its cell's turn comes. That failure is recorded.
            with contextlib.suppress(WorkerFailure):
                worker.wait_until_ready(IMPORT_SECONDS)
        return bool(begun)

    def not_yet_ahead(self, frameworks: Sequence[str]) -> list[str]:
        """Return the coming cells that have no waiting worker."""
        counts = Counter(frameworks)
        missing = {name: count - len(self._living_ahead(name)) for name, count in counts.items()}
        return [name for name, count in missing.items() for _ in range(count)]

    def import_ahead(self, frameworks: Sequence[str]) -> list[WorkerProcess]:
        """Return workers that begin to import and wait for their cells. A warm framework has only one worker."""
        begun = []
        for framework in frameworks:
            if self.start != "warm" and framework not in self.failures:
                with contextlib.suppress(WorkerFailure):
                    worker = self._spawn(framework)
                    begun.append(worker)
                    with self._waiting:
                        self._ahead[framework].append(worker)
        return begun

    def stop_waiting(self) -> None:
        """End the waiting workers: one that was started for an audit never becomes a timed cell."""
        with self._waiting:
            waiting = [worker for workers in self._ahead.values() for worker in workers]
            self._ahead.clear()
        for worker in waiting:
            worker.stop()

    def for_cell(self, framework: str) -> WorkerProcess:
        """Return a worker that is ready to start a cell. Raises WorkerFailure."""
        if framework in self.failures:
            raise WorkerFailure(self.failures[framework])
        worker = self._living.get(framework)
        if worker is not None and worker.process.poll() is None:
            return worker
        worker = self._next_ahead(framework) or self._spawn(framework)
        facts = worker.wait_until_ready(IMPORT_SECONDS)
        if self.start != "warm":
            self._cells.add(worker)
            if self._stopped:
                self.release(worker)
                raise WorkerFailure("stopped")
        elif facts.fork_refused:
            worker.stop()
            raise WorkerFailure(f"its worker had died, and the new one cannot fork: {facts.fork_refused}")
        else:
            self._living[framework] = worker
        self.facts[framework] = facts
        return worker

    def release(self, worker: WorkerProcess) -> None:
        """End a cell's worker after the cell, unless it is warm."""
        if self.start != "warm":
            self._cells.discard(worker)
            worker.stop()

    def describe(self, framework: str) -> FrameworkFacts:
        """Return what run.json says about a framework."""
        adapter = load_adapter(framework)
        facts = self.facts.get(framework)
        notes = [*adapter.notes, *(adapter.cpu_notes if self.device == "cpu" else adapter.gpu_notes)]
        notes += facts.stand_ins if facts is not None else ()
        failure = without_machine_paths(self.failures.get(framework, ""))
        environment = self.environments[framework]
        built = environment if isinstance(environment, Environment) else None
        described = FrameworkFacts(
            notes=tuple(notes),
            unavailable=failure,
            environment=built.path.name if built else None,
            overlay=bool(built and built.overlay),
        )
        if facts is None:
            return described
        return dataclasses.replace(
            described,
            version=facts.versions.get(adapter.package),
            versions=dict(facts.versions),
            import_seconds=round(facts.import_seconds, 2),
            start_seconds=round(facts.start_seconds, 2),
            fork_refused=self.fork_refused.get(framework, ""),
        )

    def _living_ahead(self, framework: str) -> list[WorkerProcess]:
        """Return a framework's living workers that wait. A dead one is replaced when its cell comes."""
        with self._waiting:
            dead = [worker for worker in self._ahead[framework] if worker.process.poll() is not None]
            for worker in dead:
                self._ahead[framework].remove(worker)
            living = list(self._ahead[framework])
        for worker in dead:
            worker.stop()
        return living

    def _next_ahead(self, framework: str) -> WorkerProcess | None:
        living = self._living_ahead(framework)
        with self._waiting:
            for worker in living:
                if worker in self._ahead[framework]:
                    self._ahead[framework].remove(worker)
                    return worker
        return None

    def _await_import(self, framework: str) -> None:
        try:
            self.facts[framework] = self._living[framework].wait_until_ready(IMPORT_SECONDS)
        except WorkerFailure as failure:
            self.failures[framework] = str(failure)
            self._living.pop(framework)

    def _spawn(self, framework: str) -> WorkerProcess:
        """Start a worker. Raises WorkerFailure if the system starts no process."""
        environment = self.environments[framework]
        assert isinstance(environment, Environment)
        adapter = load_adapter(framework)
        for_framework = {**adapter.environment, **(adapter.cpu_environment if self.device == "cpu" else {})}
        variables = worker_variables(
            os.environ,
            threads=training_threads(),
            device=self.device,
            of_framework=for_framework,
            scratch=self.scratch,
            overlay=environment.overlay,
        )
        command = worker_command(environment.python, framework)
        try:
            return WorkerProcess(framework, command, variables, folder=self.scratch, start=self.start)
        except OSError as error:
            raise WorkerFailure(f"{framework}'s worker could not be started: {error}") from error
