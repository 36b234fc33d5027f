"""Numbers as small pictures of characters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import median

EIGHTHS = " ▏▎▍▌▋▊▉█"
LEVELS = "▁▂▃▄▅▆▇█"


def bar(value: float | None, largest: float, width: int) -> str:
    """A bar as long as the value's share of the largest, to an eighth of a character; empty for what is no number."""
    if value is None or not math.isfinite(value) or not 0 < value <= largest:
        return ""
    eighths = round(8 * width * value / largest)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def sparkline(values: Sequence[float | None], width: int) -> str:
    """A character a value, from the lowest to the highest; of more values than fit, medians of neighbours."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return ""
    if len(known) > width:
        ends = [round(index * len(known) / width) for index in range(width + 1)]
        known = [median(known[start:end]) for start, end in itertools.pairwise(ends)]
    low, high = min(known), max(known)
    # Each is divided first: a difference of two finite numbers need not be finite.
    span = high / 2 - low / 2
    if span == 0:  # All are equal, or so near 0 that half of their difference is none.
        return LEVELS[0] * len(known)
    return "".join(LEVELS[min(7, int(8 * ((value / 2 - low / 2) / span)))] for value in known)
