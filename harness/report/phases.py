"""Where a cell's time goes, as a table of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.comparison import median_of
from harness.frameworks import FRAMEWORKS
from harness.report import units

HEADINGS = ("framework", "start and import", "load", "first step", "all steps", "tokens/s end to end")
SECONDS = ("start_seconds", "load_seconds", "first_step_seconds", "training_seconds")


def phase_rows(records: Iterable[Mapping[str, Any]], method: str) -> list[tuple[str, ...]]:
    """A row per framework: medians over its processes, in the order of HEADINGS."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        if record["method"] == method and record["outcome"] == "ok" and not record["twin"]:
            groups.setdefault(record["framework"], []).append(record)
    return [
        (
            framework,
            *(units.seconds(median_of(groups[framework], column)) for column in SECONDS),
            units.rate(median_of(groups[framework], "end_to_end_tokens_per_second")),
        )
        for framework in FRAMEWORKS
        if framework in groups
    ]
