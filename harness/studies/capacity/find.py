"""Find each framework's largest size within a memory budget, by training one size after another."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.execute.gpu_memory_gate import GpuGate
from harness.execute.training import Trainer
from harness.execute.watch_cell import Ended, Limits
from harness.execute.worker_pool import WorkerPool
from harness.execute.worker_process import WorkerFailure
from harness.files.machine_paths import without_machine_paths
from harness.job.experiment import Experiment
from harness.job.frameworks import load_adapter
from harness.job.job import Job
from harness.job.native import Unsupported
from harness.job.plan import Entry, entries
from harness.machine.host import training_threads
from harness.prepare import prepare
from harness.records.from_events import MEMORY_KINDS, peak_memory_of
from harness.records.searches import SearchFile, SearchRecord, SizeName, Trial
from harness.run.observer import Observer
from harness.run.run_settings import RunSettings, limits_of
from harness.run.study_workers import study_workers
from harness.studies.capacity.search import SizeRange, next_size
from harness.text import units

MOST_SEQUENCES = 4096
"""The largest micro batch that is tried."""
MISSES = ("oom", "crashed", "killed")
"""How a cell that is too large may end: not every library says that memory ran out."""


def find_largest(
    quantities: Sequence[SizeName],
    budgets: Sequence[int],
    experiment: Experiment,
    file: SearchFile,
    settings: RunSettings,
    observer: Observer,
    say: Callable[[str], None],
) -> None:
    """Search for every quantity, budget and entry. Each trial is on disk before the next begins; none is repeated."""
    chosen = entries(experiment)
    names = (entry.framework for entry in chosen)
    with study_workers(experiment, names, settings, observer) as (gate, workers):
        trials = Trials(limits=limits_of(experiment), workers=workers, cache=settings.cache, gate=gate)
        for quantity, budget, entry in itertools.product(quantities, budgets, chosen):
            record = file.found_or(_identity(quantity, entry, budget, workers))
            within = f"{entry.title} within {units.budget(budget)}"
            while not record.stopped and (size := _next(record, entry)) is not None:
                observer.stage(f"{within}: {quantity} {size:,}")
                record = _tried(record, trials.at(entry, quantity, size, budget))
                file.write(record)
            say(f"{within}: {record.answer}")


def _sized(job: Job, quantity: SizeName, size: int) -> Job:
    """Return the job at a size: one micro batch per step, and two steps, as the optimizer has its state only then."""
    one_at_a_time = dataclasses.replace(job, gradient_accumulation_steps=1, max_steps=2, warmup_steps=1)
    if quantity == "sequence_length":
        return dataclasses.replace(one_at_a_time, micro_batch_size=1, sequence_length=size)
    return dataclasses.replace(one_at_a_time, micro_batch_size=size)


def _range(quantity: SizeName, job: Job) -> SizeRange:
    if quantity == "sequence_length":
        return SizeRange(step=64, first=1024, most=job.shape.max_position_embeddings)
    return SizeRange(step=1, first=1, most=MOST_SEQUENCES)


def _next(record: SearchRecord, entry: Entry) -> int | None:
    return next_size(record.probes, record.budget_bytes, _range(record.quantity, entry.job))


def _tried(record: SearchRecord, result: Trial | str) -> SearchRecord:
    """Return the search with one more trial, or stopped for a reason that says nothing about memory."""
    if isinstance(result, str):
        return record.model_copy(update={"stopped": result})
    return record.model_copy(update={"probes": (*record.probes, result)})


def _identity(quantity: SizeName, entry: Entry, budget: int, workers: WorkerPool) -> SearchRecord:
    """Return the record of a search that has not begun."""
    described = workers.describe(entry.framework)
    return SearchRecord(
        quantity=quantity,
        framework=entry.framework,
        method=entry.method,
        track=entry.track,
        budget_bytes=budget,
        environment=described.environment or "",
        framework_version=described.version or "",
        device=workers.device_name,
        omp_num_threads=training_threads(),
        memory_kind=MEMORY_KINDS["peak_allocated_bytes" if workers.device == "cuda" else "peak_rss_bytes"],
        job=_sized(entry.job, quantity, _range(quantity, entry.job).step).as_dict(),
        native=dict(entry.native),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Trials:
    """Tries sizes, each in a fresh process."""

    limits: Limits
    workers: WorkerPool
    cache: Path
    gate: GpuGate

    def at(self, entry: Entry, quantity: SizeName, size: int, budget: int) -> Trial | str:
        """Train two steps at a size. Return a reason instead if that says nothing about memory."""
        job = _sized(entry.job, quantity, size)
        turn = self.gate.before_cell(entry.framework)
        trainer = Trainer(workers=self.workers, limits=dataclasses.replace(self.limits, memory_bytes=budget))
        try:
            inputs = prepare(job, self.cache, repeat_text=True)
            adapter = load_adapter(entry.framework)
            trained = trainer.train_once(entry.framework, adapter, job, inputs, native=entry.native)
        except (Unsupported, WorkerFailure) as reason:
            return without_machine_paths(str(reason))
        left = self.gate.after_cell(turn, is_listed=trained.ended.gpu.process_peak_bytes is not None)
        return _judged(trained.ended, size, budget, left.others_bytes)


def _judged(ended: Ended, size: int, budget: int, others_bytes: int) -> Trial | str:
    if ended.outcome == "ok":
        peak = peak_memory_of(ended, others_bytes)
        fits = peak is not None and peak <= budget
        reason = "" if fits else "its peak was above the budget"
        return Trial(size=size, fits=fits, peak_memory_bytes=peak if fits else None, reason=reason)
    if ended.outcome in MISSES:
        return Trial(size=size, fits=False, peak_memory_bytes=None, reason=f"{ended.outcome}: {ended.reason}")
    return f"{ended.outcome} at {size:,}: {ended.reason}"
