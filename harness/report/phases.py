"""Where a cell's time goes, as a table of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

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
            *(units.seconds(_median(groups[framework], column)) for column in SECONDS),
            units.rate(_median(groups[framework], "end_to_end_tokens_per_second")),
        )
        for framework in FRAMEWORKS
        if framework in groups
    ]


def _median(cells: Iterable[Mapping[str, Any]], column: str) -> float | None:
    values = [cell[column] for cell in cells if cell[column] is not None]
    return median(values) if values else None
