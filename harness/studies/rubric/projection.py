"""A measured rate -> the time and money for a corpus of a given size, with the interval carried through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.analysis.cell_columns import values_of
from harness.analysis.estimates import Estimate, median_estimate
from harness.analysis.row_grouping import processes
from harness.audit.verdict import PROVEN
from harness.job.frameworks import CEILING
from harness.records.cell_record import CellRecord
from harness.studies.rubric.prices import Price

CORPORA = (10_000_000_000, 20_000_000_000)
"""Tokens that the report's recommended stack trains on (its section 7)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Projection:
    """One framework over one corpus, at the steady rate."""

    framework: str
    tokens: int
    hours: Estimate
    cost: Estimate | None
    """In the currency of the price; None without a price."""
    peak_memory_bytes: Estimate | None


def project(records: Iterable[CellRecord], section: str, price: Price | None = None) -> tuple[Projection, ...]:
    """Project every framework with figures of the same job in a section, corpus by corpus."""
    groups = {
        key.name: [cell for cell in cells if cell.same_job in PROVEN]
        for key, cells in processes(records, section).items()
        if key.framework != CEILING
    }
    found = []
    for tokens in CORPORA:
        for name, cells in groups.items():
            rates, peaks = values_of(cells, "tokens_per_second"), values_of(cells, "peak_memory_bytes")
            if rates:
                hours = _inverse(median_estimate(rates), tokens / 3600)
                cost = None if price is None else _times(hours, price.per_hour)
                peak = median_estimate(peaks) if peaks else None
                found.append(Projection(framework=name, tokens=tokens, hours=hours, cost=cost, peak_memory_bytes=peak))
    return tuple(found)


def _inverse(rate: Estimate, amount: float) -> Estimate:
    """Return amount / rate. The ends of the interval swap."""
    low = None if rate.high is None else amount / rate.high
    high = None if rate.low is None else amount / rate.low
    return Estimate(value=amount / rate.value, low=low, high=high, n=rate.n)


def _times(estimate: Estimate, factor: float) -> Estimate:
    low = None if estimate.low is None else estimate.low * factor
    high = None if estimate.high is None else estimate.high * factor
    return Estimate(value=estimate.value * factor, low=low, high=high, n=estimate.n)
