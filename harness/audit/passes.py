"""The audit pass: the reference and each framework train the job in processes with hooks. None is timed."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness.audit.in_parallel import Room, ahead_of, room_for_audits, roughly_held_bytes
from harness.audit.references import nearest_of, references_of, variants_of
from harness.audit.tolerance import losses_of
from harness.audit.trace import Trace, read_trace
from harness.audit.verdict import Verdict, audit, not_audited
from harness.errors import AuditError
from harness.execute.events import Event
from harness.execute.training import TRACE, Request, Trained, Trainer, working_folder
from harness.execute.watch_cell import Limits
from harness.execute.worker_pool import WorkerPool
from harness.execute.worker_process import WorkerFailure
from harness.files.machine_paths import without_machine_paths
from harness.job.frameworks import REFERENCE, load_adapter
from harness.job.inputs import Inputs
from harness.job.job import Job, Method
from harness.job.native import Unsupported
from harness.job.plan import Entry
from harness.prepare.blocks import block_hashes

if TYPE_CHECKING:
    from adapters.base import Adapter

AUDITED_STEPS = 12
"""A longer job is audited for this many steps."""
T = TypeVar("T")


class Auditor:
    """Audit entries of one method, one at a time or in a pool of threads. None of these processes is timed."""

    def __init__(
        self,
        inputs: Inputs,
        workers: WorkerPool,
        limits: Limits,
        on_event: Callable[[Event], None],
        pool: Executor | None = None,
        room: Room | None = None,
    ):
        self.inputs = inputs
        self.workers = workers
        self.trainer = Trainer(workers=workers, limits=limits)
        self.on_event = on_event
        self.pool = SerialExecutor() if pool is None else pool
        self.room = Room(None) if room is None else room
        self.blocks = block_hashes(Path(inputs.blocks_path))
        self._references: dict[Job, dict[str, Future[Trace]]] = {}

    def verdict_on(self, entry: Entry, adapter: Adapter) -> Verdict:
        """Return the audit of a framework; "not audited" with the reason if a process failed."""
        return self.begin(entry, adapter).result()

    def begin(self, entry: Entry, adapter: Adapter) -> Future[Verdict]:
        """Return the future verdict. A pool starts on it now; otherwise it runs when its result is asked for."""
        plain = as_the_reference_trains(entry.job)
        if plain not in self._references:
            self._references[plain] = {
                variant: self.pool.submit(self._reference, plain, variant) for variant in variants_of(plain)
            }
        return self.pool.submit(self._verdict_on, entry, adapter, plain, self._references[plain])

    def _verdict_on(
        self, entry: Entry, adapter: Adapter, plain: Job, references: Mapping[str, Future[Trace]]
    ) -> Verdict:
        try:
            seen, trained = self._train(entry, adapter)
            traces = {variant: trace.result() for variant, trace in references.items()}
            nearest = nearest_of(references_of(plain, traces), seen)
        except (AuditError, WorkerFailure, Unsupported) as reason:
            return not_audited(entry, without_machine_paths(str(reason)))
        due = audited_steps(entry.job) * entry.job.gradient_accumulation_steps * entry.job.micro_batch_size
        sources = {"model": self.inputs.model_source, "dataset": self.inputs.dataset_source}
        return audit(entry, seen, nearest, self.blocks[:due], trained.config.deviations, sources)

    def _reference(self, plain: Job, variant: str) -> Trace:
        try:
            adapter = load_adapter(REFERENCE, variant=variant)
            seen, _ = self._train(Entry(framework=REFERENCE, track="parity", job=plain), adapter)
        except (AuditError, WorkerFailure) as reason:
            raise AuditError(f"the reference did not train: {reason}") from reason
        for step, loss in enumerate(losses_of(seen), start=1):
            if not math.isfinite(loss):
                raise AuditError(f"the job diverges: the reference's loss is {loss} at step {step}")
        return seen

    def _train(self, entry: Entry, adapter: Adapter) -> tuple[Trace, Trained]:
        with (
            self.room.taken_by(roughly_held_bytes(entry.framework, entry.job)),
            working_folder(self.workers, f"audit-{entry.framework}") as place,
        ):
            folder = Path(place)
            config = self.trainer.configure(adapter, entry.job, self.inputs, folder, entry.native)
            request = Request(steps=audited_steps(entry.job), trace=folder / TRACE)
            trained = self.trainer.train(entry.framework, config, folder, request, self.on_event)
            if trained.ended.outcome != "ok" or trained.trace_path is None:
                raise AuditError(f"its audited process ended as {trained.ended.outcome}: {trained.ended.reason}")
            return read_trace(trained.trace_path), trained


class SerialExecutor(Executor):
    """An executor that runs each task in the calling thread, when its result is first asked for."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Return the future result. Nothing runs yet."""
        return _DeferredFuture(functools.partial(fn, *args, **kwargs))


class _DeferredFuture(Future[T]):
    """A future whose first `result()` runs the task."""

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__()
        self._work = work

    def result(self, timeout: float | None = None) -> T:
        if not self.done():
            try:
                self.set_result(self._work())
            except Exception as error:
                self.set_exception(error)
        return super().result(timeout)


def audited_steps(job: Job) -> int:
    """Return how many of a job's optimizer steps are audited."""
    return min(job.max_steps, AUDITED_STEPS)


def as_the_reference_trains(job: Job) -> Job:
    """Return the job without the knobs that do not change what the reference computes."""
    return dataclasses.replace(job, gradient_checkpointing=False, compile=False)


def audit_all(
    entries: Sequence[Entry],
    inputs: Mapping[Method, Inputs],
    workers: WorkerPool,
    limits: Limits,
    begins: Callable[[Entry], None],
    on_event: Callable[[Event], None],
    at_once: int = 1,
) -> Iterator[Verdict]:
    """Yield a verdict per entry as each is reached, with `at_once` processes side by side."""
    auditors: dict[Method, Auditor] = {}
    with _pool(at_once, workers) as pool:
        side_by_side = []
        room = room_for_audits(workers)
        one_at_a_time = at_once == 1
        imports = ahead_of(() if one_at_a_time else _processes(entries), workers)
        next(imports)
        for entry in entries:
            begins(entry)
            if entry.method not in auditors:
                auditors[entry.method] = Auditor(inputs[entry.method], workers, limits, on_event, pool, room)
            verdict = auditors[entry.method].begin(entry, load_adapter(entry.framework))
            if one_at_a_time:
                yield verdict.result()
            else:
                side_by_side.append(verdict)
        for verdict in as_completed(side_by_side):
            next(imports)
            yield verdict.result()


def _processes(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return whose processes the audits take, in their order."""
    found: list[str] = []
    referred: set[Job] = set()
    for entry in entries:
        plain = as_the_reference_trains(entry.job)
        if plain not in referred:
            referred.add(plain)
            found += [REFERENCE] * len(variants_of(plain))
        found.append(entry.framework)
    return tuple(found)


@contextlib.contextmanager
def _pool(at_once: int, workers: WorkerPool) -> Iterator[Executor]:
    """A pool of threads that watch processes. Leaving it early ends those processes."""
    if at_once == 1:
        yield SerialExecutor()
        return
    with ThreadPoolExecutor(at_once, thread_name_prefix="audit") as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            workers.stop_cells()
            raise
        finally:
            workers.stop_waiting()
