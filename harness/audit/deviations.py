"""Which differences an adapter may declare, so that the job is the same with deviations."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from harness.audit.findings import QUANTIZATION, Finding
from harness.job.native import PRECISION_SUBJECTS, Deviation

MAY_DEVIATE = (*PRECISION_SUBJECTS, QUANTIZATION)
"""How numbers are stored. Any other difference makes another job, whatever the adapter declares."""


def excusable(declared: Iterable[Deviation]) -> dict[str, str]:
    """Return the text of each declared deviation that may excuse a finding, by the finding's subject."""
    return {
        subject: deviation.text for deviation in declared for subject in deviation.subjects if subject in MAY_DEVIATE
    }


def excused(finding: Finding, texts: Mapping[str, str]) -> Finding:
    """Return a finding that deviates, if it differs in a declared way."""
    if finding.result == "differs" and finding.subject in texts:
        return dataclasses.replace(finding, result="deviates")
    return finding
