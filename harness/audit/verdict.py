"""The verdict of an audit: the same job, the same with named deviations, or not the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.audit.deviations import excusable, excused
from harness.audit.findings import Finding
from harness.audit.job_settings import knobs
from harness.audit.references import Reference
from harness.audit.tolerance import losses_of
from harness.audit.trace import Trace
from harness.audit.training_behaviour import behaviour
from harness.job.experiment import Track
from harness.job.job import Method
from harness.job.native import Deviation
from harness.job.plan import Entry

SameJob = Literal["yes", "with deviations", "no", "not audited"]
PROVEN: tuple[SameJob, ...] = ("yes", "with deviations")
"""Verdicts that let a cell stand in a ratio."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The audit's verdict on one framework and job."""

    framework: str
    method: Method
    track: Track
    same_job: SameJob
    reasons: tuple[str, ...]
    """Why it is not the same job, or why it was not audited; empty otherwise."""
    deviations: tuple[str, ...]
    """What was declared to differ and did differ."""
    findings: tuple[Finding, ...]
    tolerance: str
    """Where the tolerance comes from."""
    job_sha256: str
    loss_tolerance: float
    first_loss_tolerance: float | None = None
    """Tolerance of the first step, which depends on no random mask; None if it is that of the other steps."""
    losses: tuple[float | None, ...] = ()
    """Losses that the audited process reported for each step."""
    reference_losses: tuple[float | None, ...] = ()
    """The reference's losses. A timed process that trains the same job reports them too, within `loss_tolerance`."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)


def audit(
    entry: Entry,
    seen: Trace,
    reference: Reference,
    blocks: Sequence[str],
    declared: Sequence[Deviation],
    sources: Mapping[str, str],
) -> Verdict:
    """Compare a framework's trace with its job and the reference; see `knobs` for `sources`."""
    job = entry.job
    observed = tuple(behaviour(job, seen, reference, blocks))
    fields = tuple(knobs(job, seen, reference.trace, {finding.subject: finding for finding in observed}, sources))
    texts = excusable(declared)
    findings = tuple(excused(finding, texts) for finding in (*observed, *fields))
    reasons = tuple(
        f"{finding.subject}: asked {finding.asked}, got {finding.got}"
        for finding in findings
        if finding.result == "differs"
    )
    deviations = tuple(dict.fromkeys(texts[finding.subject] for finding in findings if finding.result == "deviates"))
    return Verdict(
        framework=entry.framework,
        method=entry.method,
        track=entry.track,
        same_job="no" if reasons else "with deviations" if deviations else "yes",
        reasons=reasons,
        deviations=deviations,
        findings=findings,
        tolerance=reference.tolerance.why,
        losses=tuple(step.logged.loss if step.logged else None for step in seen.steps),
        reference_losses=tuple(losses_of(reference.trace)),
        loss_tolerance=reference.tolerance.loss,
        first_loss_tolerance=reference.tolerance.first_loss,
        job_sha256=job.sha256,
    )


def not_audited(entry: Entry, reason: str) -> Verdict:
    """Return the verdict for a process without a trace."""
    return Verdict(
        framework=entry.framework,
        method=entry.method,
        track=entry.track,
        same_job="not audited",
        reasons=(reason,),
        deviations=(),
        findings=(),
        tolerance="",
        loss_tolerance=0.0,
        job_sha256=entry.job.sha256,
    )
