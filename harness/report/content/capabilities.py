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
    """Return the table's headings: the frameworks that were tried, with their versions."""
    return ("capability", *(f"{name} {_version(name, probes)}".strip() for name in _frameworks(probes)))


def capability_rows(probes: Sequence[ProbeRecord]) -> list[tuple[str, ...]]:
    """Return a row per capability that was tried, with a column per framework."""
    endings = {(probe.framework, probe.capability): probe.ending for probe in probes}
    asked = [name for name in (*CAPABILITIES, *OF_ONE_FRAMEWORK) if any(probe.capability == name for probe in probes)]
    return [
        (title_of(name), *(endings.get((framework, name), units.NOTHING) for framework in _frameworks(probes)))
        for name in asked
    ]


def detail_rows(probes: Sequence[ProbeRecord]) -> list[tuple[str, ...]]:
    """Return a row per attempt, in the order of DETAIL_HEADINGS."""
    return [(probe.framework, title_of(probe.capability), probe.ending, probe.evidence) for probe in probes]


def _frameworks(probes: Sequence[ProbeRecord]) -> list[str]:
    return [name for name in FRAMEWORKS if any(probe.framework == name for probe in probes)]


def _version(framework: str, probes: Sequence[ProbeRecord]) -> str:
    return next(probe.framework_version for probe in probes if probe.framework == framework)
