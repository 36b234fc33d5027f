"""The longest sequences and the largest micro batches as a table of text."""

from __future__ import annotations

from collections.abc import Iterable

from harness.job.experiment import section
from harness.records.searches import UNITS, SearchRecord, largest_fit, smallest_miss
from harness.text import units

HEADINGS = ("what", "budget", "framework", "job", "largest that trains", "peak memory there", "where it ended", "tries")
EXPLANATION = (
    "Found by training two steps at one size after another, each in a process of its own, to about 2%. On a GPU "
    "torch's allocator is held to the budget, as on a smaller card (the CUDA context comes on top of it); on a CPU the "
    "resident set of the process tree is."
)


def capacity_rows(searches: Iterable[SearchRecord]) -> list[tuple[str, ...]]:
    """Return a row per search, in the order of HEADINGS."""
    return [_row(search) for search in searches]


def _row(search: SearchRecord) -> tuple[str, ...]:
    best, miss = largest_fit(search.probes), smallest_miss(search.probes)
    largest = (
        "none" if best is None else f"{'at least ' if search.stopped else ''}{best.size:,} {UNITS[search.quantity]}"
    )
    return (
        search.quantity,
        units.budget(search.budget_bytes),
        " ".join(filter(None, [search.framework, search.framework_version])),
        section(search.method, search.track),
        largest,
        units.gibibytes(None if best is None else best.peak_memory_bytes),
        search.stopped or (units.NOTHING if miss is None else f"{miss.size:,} ({miss.reason[:60]})"),
        str(len(search.probes)),
    )
