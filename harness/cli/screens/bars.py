"""Numbers drawn with characters: bars and curves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import median

EIGHTHS = " ▏▎▍▌▋▊▉█"
LEVELS = "▁▂▃▄▅▆▇█"


def bar(value: float | None, largest: float, width: int) -> str:
    """Return a bar as long as the value's share of the largest, to an eighth of a character; empty if not a number."""
    if value is None or not math.isfinite(value) or not 0 < value <= largest:
        return ""
    eighths = round(8 * width * value / largest)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def sparkline(values: Sequence[float | None], width: int) -> str:
    """Return a character per value, from lowest to highest. Where there is no room, neighbours become their median."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return ""
    if len(known) > width:
        ends = [round(index * len(known) / width) for index in range(width + 1)]
        known = [median(known[start:end]) for start, end in itertools.pairwise(ends)]
    low, high = min(known), max(known)
    # Each is divided first: the difference of two finite numbers may be infinite.
    span = high / 2 - low / 2
    if span == 0:  # All values are equal, or half of their difference underflows to 0.
        return LEVELS[0] * len(known)
    return "".join(LEVELS[min(7, int(8 * ((value / 2 - low / 2) / span)))] for value in known)
