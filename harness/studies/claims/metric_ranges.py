"""The metrics of claims, each as a range of one of a few measured quantities."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

Quantity = Literal[
    "speed ratio",
    "memory ratio",
    "tokens per second",
    "peak memory",
    "context",
    "context ratio",
    "same loss",
    "capability",
    "export",
    "board",
    "stars",
    "order",
    "words",
]
"""Ratios are the subject's figure over the baseline's. Memory is in bytes, context in tokens."""
RATIOS = ("speed ratio", "memory ratio", "context ratio")
ABSOLUTES = ("tokens per second", "peak memory", "context", "stars")
OF_TWO_SETTINGS = ("speed ratio", "memory ratio")
"""Quantities of one framework with and without a setting."""
JUDGED_BY_A_RANGE = (*RATIOS, *ABSOLUTES)
OF_PROCESSES = ("speed ratio", "memory ratio", "tokens per second", "peak memory", "same loss")
"""Quantities of a run's cells."""
OF_DEPLOYMENTS = ("export", "board")
"""Quantities of what became of a result after training."""
OF_SEARCHES = ("context", "context ratio")
"""Quantities of a search for the longest sequence."""

Metric = Literal[
    "times_faster",
    "percent_faster",
    "percent_less_time",
    "percent_less_memory",
    "percent_more_memory",
    "tokens_per_second",
    "peak_memory_gib",
    "fits_gb",
    "context_tokens",
    "times_longer_context",
    "same_loss",
    "supports",
    "easy_to_export",
    "fits_on_board",
    "runs_on_board",
    "stars",
    "recommended",
    "words",
]
METRICS: tuple[Metric, ...] = get_args(Metric)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """A range from `low` to `high`, both included; infinite where it has no bound."""

    low: float
    high: float

    def contains(self, low: float, high: float) -> bool:
        """True if an interval lies inside."""
        return self.low <= low and high <= self.high

    def excludes(self, low: float, high: float) -> bool:
        """True if an interval lies outside, with no value in common."""
        return high < self.low or low > self.high


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """What a metric says about a quantity."""

    quantity: Quantity
    convert: Callable[[float], float] = float
    """Converts a claimed figure to the quantity; monotonic."""
    below: float = math.inf
    """Claimed figures are at least 0 and below this."""

    def bounds(self, at_least: float | None, at_most: float | None) -> Bounds:
        """Return the range of the quantity for a range of claimed figures."""
        rises = self.convert(0.2) > self.convert(0.1)
        low, high = (at_least, at_most) if rises else (at_most, at_least)
        return Bounds(
            low=0.0 if low is None else self.convert(low), high=math.inf if high is None else self.convert(high)
        )


MEANINGS: dict[Metric, Meaning] = {
    "times_faster": Meaning(quantity="speed ratio"),
    # 24% faster is 1.24 times the speed, and 19.4% less time.
    "percent_faster": Meaning(quantity="speed ratio", convert=lambda percent: 1 + percent / 100),
    "percent_less_time": Meaning(quantity="speed ratio", convert=lambda percent: 100 / (100 - percent), below=100),
    "percent_less_memory": Meaning(quantity="memory ratio", convert=lambda percent: 1 - percent / 100, below=100),
    "percent_more_memory": Meaning(quantity="memory ratio", convert=lambda percent: 1 + percent / 100),
    "tokens_per_second": Meaning(quantity="tokens per second"),
    "peak_memory_gib": Meaning(quantity="peak memory", convert=lambda gib: gib * 2**30),
    "fits_gb": Meaning(quantity="peak memory", convert=lambda gigabytes: gigabytes * 10**9),
    "context_tokens": Meaning(quantity="context"),
    "times_longer_context": Meaning(quantity="context ratio"),
    "same_loss": Meaning(quantity="same loss"),
    "supports": Meaning(quantity="capability"),
    "easy_to_export": Meaning(quantity="export"),
    "fits_on_board": Meaning(quantity="board"),
    "runs_on_board": Meaning(quantity="board"),
    "stars": Meaning(quantity="stars", below=5.5),
    "recommended": Meaning(quantity="order"),
    "words": Meaning(quantity="words"),
}
