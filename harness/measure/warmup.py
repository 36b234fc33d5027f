"""How many leading steps of a process are warm-up, found from their durations and not by a fixed count."""

from __future__ import annotations

import math
from collections.abc import Sequence

LEAST_LEVEL = 1.05
"""A slower beginning counts as warm-up only if it is slower by at least this."""
PENALTY = 3.0
"""In units of log n: what a change of level must explain beyond noise (a little above the Bayesian criterion's 2)."""


def warmup_steps(seconds: Sequence[float], at_least: int) -> int:
    """Return the number of warm-up steps: at least `at_least`, at most half of all.

    Finds a change of level in the logarithms of the durations, by least squares. It repeats on what is left, since
    caches, compilation and allocation settle one after the other.
    """
    found = min(at_least, len(seconds))
    most = max(found, len(seconds) // 2)
    logs = [math.log(duration) for duration in seconds]
    while found < most:
        further = _change(logs[found:], most - found)
        if not further:
            break
        found += further
    return found


def _change(logs: Sequence[float], most: int) -> int:
    """Return how many leading values lie on a higher level than the rest; 0 if no level is worth a parameter."""
    n = len(logs)
    if n < 4:
        return 0
    whole = _squares(logs)
    best, at = whole, 0
    for split in range(1, min(most, n - 2) + 1):
        squares = _squares(logs[:split]) + _squares(logs[split:])
        if squares < best:
            best, at = squares, split
    if not at or not whole:
        return 0
    gain = n * math.log(whole / max(best, whole * 1e-12))
    slower = sum(logs[:at]) / at - sum(logs[at:]) / (n - at)
    return at if gain > PENALTY * math.log(n) and slower > math.log(LEAST_LEVEL) else 0


def _squares(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values)
