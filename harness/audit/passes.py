"""The audit pass: the reference and each framework train the job in processes with hooks on, none of which is timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from adapters.base import Adapter, Unsupported
from adapters.reference.adapter import ReferenceAdapter
from harness.audit.tolerance import Tolerance, rounds, tolerance_of
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
from harness.prepare.blocks import block_hashes

AUDITED_STEPS = 20
"""Of a longer job, only so many are audited."""
VARIANTS = ("as_asked", "other_rounding")


class Auditor:
    """Audits one job; trains the reference when it is first needed."""

    def __init__(self, job: Job, inputs: Inputs, hosts: Hosts, limits: Limits, on_event: Callable[[Event], None]):
        self.job = job
        self.inputs = inputs
        self.hosts = hosts
        self.limits = limits
        self.on_event = on_event
        self.steps = min(job.max_steps, AUDITED_STEPS)
        due = self.steps * job.gradient_accumulation_steps * job.micro_batch_size
        self.blocks = block_hashes(Path(inputs.blocks_path))[:due]
        self._reference: tuple[Trace, Tolerance] | AuditError | None = None

    def verdict_on(self, framework: str, adapter: Adapter) -> Verdict:
        """The audit of a framework; "not audited" with the reason where its process or the reference's failed."""
        try:
            reference, tolerance = self.reference()
            seen, trained = self._train(framework, adapter)
        except (AuditError, HostFailure, Unsupported) as reason:
            return not_audited(framework, self.job, without_machine_paths(str(reason)))
        return audit(framework, self.job, seen, reference, tolerance, self.blocks, trained.config.deviations)

    def reference(self) -> tuple[Trace, Tolerance]:
        """What the reference's process saw, and how far a framework may be from it. Raises AuditError."""
        if self._reference is None:
            try:
                traces = [
                    self._train(REFERENCE, ReferenceAdapter(variant))[0]
                    for variant in VARIANTS[: 2 if rounds(self.job) else 1]
                ]
                tolerance = tolerance_of(self.job, traces[0], traces[1] if len(traces) > 1 else None)
                self._reference = traces[0], tolerance
            except (AuditError, HostFailure) as reason:
                self._reference = AuditError(f"the reference did not train: {reason}")
        if isinstance(self._reference, AuditError):
            raise self._reference
        return self._reference

    def _train(self, framework: str, adapter: Adapter) -> tuple[Trace, Trained]:
        with working_folder(self.hosts, f"audit-{framework}") as place:
            folder = Path(place)
            trained = train(
                framework,
                configure(adapter, self.job, self.inputs, self.hosts, folder),
                hosts=self.hosts,
                folder=folder,
                limits=self.limits,
                steps=self.steps,
                audited=True,
                on_event=self.on_event,
            )
            if trained.ended.outcome != "ok" or trained.trace_path is None:
                raise AuditError(f"its audited process ended as {trained.ended.outcome}: {trained.ended.reason}")
            return read_trace(trained.trace_path), trained


def audit_all(
    wanted: Sequence[tuple[str, Job]],
    inputs: Mapping[Method, Inputs],
    hosts: Hosts,
    limits: Limits,
    load_adapter: Callable[[str], Adapter],
    begins: Callable[[str, Job], None],
    on_event: Callable[[Event], None],
) -> Iterator[Verdict]:
    """A verdict per framework and job that is wanted, as each is reached."""
    auditors: dict[str, Auditor] = {}
    for framework, job in wanted:
        begins(framework, job)
        if job.method not in auditors:
            auditors[job.method] = Auditor(job, inputs[job.method], hosts, limits, on_event)
        yield auditors[job.method].verdict_on(framework, load_adapter(framework))
