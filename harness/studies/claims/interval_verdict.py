"""An interval and a claimed range -> a verdict, and how many processes would settle it."""

from __future__ import annotations

import math
from typing import Literal, get_args

from harness.analysis.estimates import Estimate
from harness.studies.claims.metric_ranges import Bounds

Verdict = Literal["confirmed", "refuted", "partly", "inconclusive", "not comparable", "not measured"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
MOST_REPEATS_TOLD = 1000


def verdict_of(measured: Estimate, bounds: Bounds) -> Verdict:
    """Return whether the interval lies inside the claimed range, outside it, or neither. No interval, no verdict."""
    if measured.low is None or measured.high is None:
        return "inconclusive"
    if bounds.contains(measured.low, measured.high):
        return "confirmed"
    if bounds.excludes(measured.low, measured.high):
        return "refuted"
    return "inconclusive"


def repeats_to_settle(measured: Estimate, bounds: Bounds) -> int | None:
    """Return the processes per side whose interval would no longer contain a bound, if the figure stays.

    An interval narrows with the square root of n. None without an interval, or if it takes more than 1,000.
    """
    if measured.low is None or measured.high is None or measured.low <= 0:
        return None
    needed = measured.n
    for bound in (bounds.low, bounds.high):
        if 0 < bound < math.inf and measured.low <= bound <= measured.high:
            edge = measured.high if bound >= measured.value else measured.low
            distance, reach = abs(math.log(bound / measured.value)), abs(math.log(edge / measured.value))
            if not 0 < distance < math.inf or reach / distance > MOST_REPEATS_TOLD:
                return None
            needed = max(needed, math.ceil(measured.n * (reach / distance) ** 2))
    return needed if needed <= MOST_REPEATS_TOLD else None
