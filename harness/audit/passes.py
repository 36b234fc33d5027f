"""The audit pass: the reference and each framework train the job in processes with hooks on, none of which is timed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from adapters.base import Adapter, Unsupported
from adapters.reference.adapter import ReferenceAdapter
from harness.audit.tolerance import Reference, nearest_of, references_of, ways_of_rounding
from harness.audit.trace import Trace, read_trace
from harness.audit.verdict import Verdict, audit, not_audited
from harness.errors import AuditError
from harness.execute.host import HostFailure
from harness.execute.hosts import Hosts
from harness.execute.training import Trained, configure, train, working_folder
from harness.execute.watch import Event, Limits
from harness.frameworks import REFERENCE
from harness.inputs import Inputs
from harness.job import Job, Method
from harness.locations import without_machine_paths
from harness.plan import Entry
from harness.prepare.blocks import block_hashes

AUDITED_STEPS = 20
"""Of a longer job, only so many are audited."""
VARIANTS = ("as_asked", "other_rounding")


class Auditor:
    """Audits all entries of one method; trains the reference when it is first needed."""

    def __init__(self, inputs: Inputs, hosts: Hosts, limits: Limits, on_event: Callable[[Event], None]):
        self.inputs = inputs
        self.hosts = hosts
        self.limits = limits
        self.on_event = on_event
        self.blocks = block_hashes(Path(inputs.blocks_path))
        self._references: dict[Job, tuple[Reference, ...] | AuditError] = {}

    def verdict_on(self, entry: Entry, adapter: Adapter) -> Verdict:
        """The audit of a framework; "not audited" with the reason where its process or the reference's failed."""
        try:
            references = self.references(entry.job)
            seen, trained = self._train(entry, adapter)
        except (AuditError, HostFailure, Unsupported) as reason:
            return not_audited(entry, without_machine_paths(str(reason)))
        due = audited_steps(entry.job) * entry.job.gradient_accumulation_steps * entry.job.micro_batch_size
        sources = {"model": self.inputs.model_source, "dataset": self.inputs.dataset_source}
        nearest = nearest_of(references, seen)
        return audit(entry, seen, nearest, self.blocks[:due], trained.config.deviations, sources)

    def references(self, job: Job) -> tuple[Reference, ...]:
        """What the reference's processes saw, of which a framework must be near to one. Raises AuditError."""
        plain = as_the_reference_trains(job)
        if plain not in self._references:
            try:
                traces = [
                    self._train(Entry(framework=REFERENCE, track="parity", job=plain), ReferenceAdapter(variant))[0]
                    for variant in VARIANTS[: ways_of_rounding(plain)]
                ]
                self._references[plain] = references_of(plain, traces)
            except (AuditError, HostFailure) as reason:
                self._references[plain] = AuditError(f"the reference did not train: {reason}")
        found = self._references[plain]
        if isinstance(found, AuditError):
            raise found
        return found

    def _train(self, entry: Entry, adapter: Adapter) -> tuple[Trace, Trained]:
        with working_folder(self.hosts, f"audit-{entry.framework}") as place:
            folder = Path(place)
            trained = train(
                entry.framework,
                configure(adapter, entry.job, self.inputs, self.hosts, folder, entry.native),
                hosts=self.hosts,
                folder=folder,
                limits=self.limits,
                steps=audited_steps(entry.job),
                audited=True,
                on_event=self.on_event,
            )
            if trained.ended.outcome != "ok" or trained.trace_path is None:
                raise AuditError(f"its audited process ended as {trained.ended.outcome}: {trained.ended.reason}")
            return read_trace(trained.trace_path), trained


def audited_steps(job: Job) -> int:
    """How many of a job's optimizer steps are audited."""
    return min(job.max_steps, AUDITED_STEPS)


def as_the_reference_trains(job: Job) -> Job:
    """The job without the knobs that change nothing of what the reference computes."""
    return dataclasses.replace(job, gradient_checkpointing=False, compile=False)


def audit_all(
    wanted: Sequence[Entry],
    inputs: Mapping[Method, Inputs],
    hosts: Hosts,
    limits: Limits,
    load_adapter: Callable[[str], Adapter],
    begins: Callable[[Entry], None],
    on_event: Callable[[Event], None],
) -> Iterator[Verdict]:
    """A verdict per entry that is wanted, as each is reached."""
    auditors: dict[Method, Auditor] = {}
    for entry in wanted:
        begins(entry)
        if entry.method not in auditors:
            auditors[entry.method] = Auditor(inputs[entry.method], hosts, limits, on_event)
        yield auditors[entry.method].verdict_on(entry, load_adapter(entry.framework))
