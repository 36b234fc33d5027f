"""What each framework can do, as tables of text."""

from __future__ import annotations

from collections.abc import Sequence

from harness.job.capabilities import CAPABILITIES, OF_ONE_FRAMEWORK, title_of
from harness.job.frameworks import FRAMEWORKS
from harness.records.probes import ProbeRecord
from harness.text import units

EXPLANATION = (
    "Each was really tried in a short job in the framework's own environment, in a process of its own. *needs a GPU*: "
    "it failed here with an error that speaks of one. *absent*: no option of it was found. *listed*: it is named among "
    "its options, and was not tried."
)
DETAIL_HEADINGS = ("framework", "capability", "how it ended", "what showed it")


def headings(probes: Sequence[ProbeRecord]) -> tuple[str, ...]:
    """Of the table: the frameworks that were asked, with their versions."""
    return ("capability", *(f"{name} {_version(name, probes)}".strip() for name in _frameworks(probes)))


def capability_rows(probes: Sequence[ProbeRecord]) -> list[tuple[str, ...]]:
    """A row per capability that was asked, a column per framework."""
    endings = {(one.framework, one.capability): one.ending for one in probes}
    asked = [name for name in (*CAPABILITIES, *OF_ONE_FRAMEWORK) if any(one.capability == name for one in probes)]
    return [
        (title_of(name), *(endings.get((framework, name), units.NOTHING) for framework in _frameworks(probes)))
        for name in asked
    ]


def detail_rows(probes: Sequence[ProbeRecord]) -> list[tuple[str, ...]]:
    """A row per attempt, in the order of DETAIL_HEADINGS."""
    return [(one.framework, title_of(one.capability), one.ending, one.evidence) for one in probes]


def _frameworks(probes: Sequence[ProbeRecord]) -> list[str]:
    return [name for name in FRAMEWORKS if any(one.framework == name for one in probes)]


def _version(framework: str, probes: Sequence[ProbeRecord]) -> str:
    return next(one.framework_version for one in probes if one.framework == framework)
