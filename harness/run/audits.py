"""The audits of a run, and audits alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.audit.in_parallel import audits_at_once
from harness.audit.passes import audit_all
from harness.audit.verdict import Verdict
from harness.execute.exclusive_gpu import hold_gpu
from harness.execute.open_workers import open_workers
from harness.execute.worker_pool import WorkerPool
from harness.job.experiment import Experiment, section_of
from harness.job.frameworks import REFERENCE
from harness.job.inputs import Inputs
from harness.job.job import Method
from harness.job.plan import Entry, entries
from harness.records.run_folder import RunFolder
from harness.run.observer import Observer
from harness.run.run_settings import RunSettings, limits_of, prepared


def unaudited(experiment: Experiment, folder: RunFolder) -> tuple[Entry, ...]:
    """Return the entries whose audit is not on disk."""
    done = {(verdict.framework, section_of(verdict)) for verdict in folder.read_audits()}
    return tuple(entry for entry in entries(experiment) if (entry.framework, entry.section) not in done)


def audits_of(
    entries: Sequence[Entry],
    experiment: Experiment,
    inputs: Mapping[Method, Inputs],
    workers: WorkerPool,
    observer: Observer,
) -> Iterator[Verdict]:
    """Yield a verdict per entry, each as it ends."""
    verdicts = audit_all(
        entries,
        inputs,
        workers,
        limits_of(experiment),
        observer.audit_begins,
        observer.audit_event,
        at_once=audits_at_once(workers),
    )
    for verdict in verdicts:
        # The caller keeps the verdict before the observer hears of it: an interrupt in between would lose it.
        yield verdict
        observer.audit_ended(verdict)


def audit_only(experiment: Experiment, settings: RunSettings, observer: Observer) -> Iterator[Verdict]:
    """Audit every framework and job of an experiment, each as it ends. Nothing is timed or recorded."""
    with hold_gpu(experiment.device, allow_busy=settings.allow_busy):
        inputs = prepared(experiment, settings, observer)
        with open_workers(
            (*experiment.frameworks, REFERENCE),
            experiment.device,
            settings.start,
            torch_backend=settings.torch_backend,
            cache=settings.cache,
            observer=observer,
        ) as workers:
            yield from audits_of(entries(experiment), experiment, inputs, workers, observer)
