"""The audit's verdicts as tables of text."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.row_grouping import SECTIONS
from harness.audit.findings import LOSS, Finding
from harness.audit.verdict import Verdict
from harness.job.experiment import section_of
from harness.job.frameworks import TRAINERS
from harness.text import units

HEADINGS = ("framework", "job", "same job", "loss", "gradient norm", "checked", "why")
FINDING_HEADINGS = ("finding", "asked", "got", "result")


def ordered(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts in the order of SECTIONS, then of TRAINERS."""
    return sorted(
        verdicts, key=lambda verdict: (SECTIONS.index(section_of(verdict)), TRAINERS.index(verdict.framework))
    )


def audit_cells(verdict: Verdict) -> tuple[str, ...]:
    """Return a verdict as text, in the order of HEADINGS."""
    got = {finding.subject: finding.got for finding in verdict.findings}
    read = [finding for finding in verdict.findings if finding.result != "not readable"]
    return (
        verdict.framework,
        section_of(verdict),
        verdict.same_job,
        got.get(LOSS, units.NOTHING),
        got.get("gradient norm at every step", units.NOTHING),
        f"{len(read)} of {len(verdict.findings)}" if verdict.findings else units.NOTHING,
        "; ".join([*verdict.reasons, *verdict.deviations]) or units.NOTHING,
    )


def finding_cells(finding: Finding) -> tuple[str, ...]:
    """Return a finding as text, in the order of FINDING_HEADINGS."""
    return finding.subject, str(finding.asked), str(finding.got), finding.result
