"""A timed cell and its framework's audit: do the cell's figures belong to the audited job?"""

from __future__ import annotations

from collections.abc import Sequence

from harness.audit.tolerance import relative
from harness.audit.verdict import Verdict
from harness.records.cell_record import CellRecord


def audited_record(record: CellRecord, losses: Sequence[float | None], verdict: Verdict | None) -> CellRecord:
    """Return a cell's record with `same_job`, why not, and the deviations that the audit saw.

    `losses`: what the timed process reported for each step. A framework is audited once, in another process. The timed
    process trained the same job if its losses are the reference's.
    """
    if verdict is None or verdict.same_job == "not audited":
        why = "it was not audited" if verdict is None else "; ".join(verdict.reasons)
        return record.model_copy(update={"same_job": "not audited", "why_not_same_job": why})
    why = "; ".join(verdict.reasons)
    if not why and record.outcome == "ok":
        why = _other_than_audited(record, losses, verdict)
    return record.model_copy(
        update={
            "same_job": "no" if why else verdict.same_job,
            "why_not_same_job": why,
            "deviations": "; ".join(verdict.deviations),
        }
    )


def _other_than_audited(record: CellRecord, losses: Sequence[float | None], verdict: Verdict) -> str:
    if record.job_sha256 != verdict.job_sha256:
        return "another job was audited"
    later = verdict.loss_tolerance
    first = later if verdict.first_loss_tolerance is None else verdict.first_loss_tolerance
    for step, (got, asked) in enumerate(zip(losses, verdict.reference_losses, strict=False), start=1):
        if got is None or asked is None or not relative(asked, got) <= (first if step == 1 else later):
            return f"its loss at step {step} is {got}, the reference's {asked}"
    return ""
