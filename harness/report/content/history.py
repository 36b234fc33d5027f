"""A quantity over time, as a table of text."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.history import Point
from harness.report.content.comparison_words import interval_text
from harness.text import units

UNITS = {"_bytes": units.gibibytes, "_seconds": units.seconds}
"""The unit of a metric, by the end of its name."""
HEADINGS = ("machine", "section", "job", "framework", "run", "on", "median", "n")


def history_rows(points: Sequence[Point], metric: str) -> list[tuple[str, ...]]:
    """Return a row per point, in the order of HEADINGS."""
    show = next((show for end, show in UNITS.items() if metric.endswith(end)), units.rate)
    return [
        (
            point.machine,
            point.section,
            point.job,
            f"{point.framework} {point.version}",
            point.run,
            point.created[:10],
            interval_text(point.estimate, show),
            str(point.estimate.n),
        )
        for point in points
    ]
