"""Judge what one framework gains by a setting, in one run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from harness.analysis.estimates import ratio_estimate
from harness.studies.claims.evidence import Circumstances
from harness.studies.claims.finding import ClaimFinding, Question, finding_of_processes
from harness.studies.claims.gather import Recorded
from harness.studies.claims.judges.speed_memory_loss import figures, rows_of
from harness.studies.claims.measured_under import mismatches
from harness.studies.claims.registry import Switch


def gains(question: Question, recorded: Recorded) -> Iterable[ClaimFinding]:
    """Yield the ratio of the side with the setting to the side without it. The first side must meet the conditions."""
    setting = question.setting
    assert setting is not None
    rows = rows_of(question, recorded)
    for with_switch in rows:
        for other in rows:
            if _differ_only_in(setting, with_switch.under, other.under):
                ratio = ratio_estimate(figures(with_switch, question.quantity), figures(other, question.quantity))
                if ratio is not None:
                    differing = mismatches(question.conditions, with_switch.under)
                    yield finding_of_processes(question, (with_switch, other), ratio, differing)


def why_none(question: Question) -> str:
    """Say that no run has both sides."""
    setting = question.setting
    assert setting is not None
    return f"no run has {question.subject} with and without this: {setting.what}"


def _differ_only_in(setting: Switch, with_switch: Circumstances, other: Circumstances) -> bool:
    """True if the two differ only in this setting, which the first one has."""
    if (with_switch.run, with_switch.machine, with_switch.version, other.track) != (
        other.run,
        other.machine,
        other.version,
        "parity",
    ):
        return False
    if setting.instead_of is not None:
        by_the_other = dataclasses.replace(with_switch.job, method=setting.instead_of)
        return with_switch.track == "parity" and by_the_other == other.job != with_switch.job
    if not setting.turns or with_switch.tuning is None:
        return False
    return with_switch.tuning.native == setting.native and with_switch.job == dataclasses.replace(
        other.job, **setting.knobs
    )
