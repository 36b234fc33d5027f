"""Which size to try next: memory grows almost linearly with size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.searches import Trial, largest_fit, smallest_miss

RESOLUTION = 0.02
"""The search ends when the largest fit and the smallest miss are this close, relative to the fit."""
GROWTH = 4
"""At most this many times the largest fit: far too large a size may take minutes to fail."""
INSIDE = 0.1
"""If the line points closer than this share of the gap to its ends, it was just wrong, and the gap is halved."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SizeRange:
    """The sizes of a search: the multiples of `step` up to `most`."""

    step: int
    first: int
    """The first size that is tried."""
    most: int

    def rounded(self, size: float) -> int:
        """Return the multiple of `step` below, but at least one step."""
        return max(self.step, int(size) // self.step * self.step)


def next_size(probes: Sequence[Trial], budget_bytes: int, sizes: SizeRange) -> int | None:
    """Return the size to try next; None when the largest fit is known well enough, or nothing fits."""
    best, miss = largest_fit(probes), smallest_miss(probes)
    low = 0 if best is None else best.size
    if miss is None:
        if best is None:
            return sizes.rounded(min(sizes.first, sizes.most))
        largest = min(low * GROWTH, sizes.rounded(sizes.most))
        guess = _on_the_line(probes, budget_bytes, sizes) or 2 * low
        return None if low >= largest else min(largest, max(low + sizes.step, guess))
    gap = miss.size - low
    if gap <= max(sizes.step, RESOLUTION * low):
        return None
    margin = sizes.rounded(INSIDE * gap)
    guess = _on_the_line(probes, budget_bytes, sizes) or 0
    return guess if low + margin <= guess <= miss.size - margin else sizes.rounded(low + gap / 2)


def _on_the_line(probes: Sequence[Trial], budget_bytes: int, sizes: SizeRange) -> int | None:
    """Return where the line through the two largest fits meets the budget; None if they give no line."""
    fitting = sorted(
        (probe.size, probe.peak_memory_bytes) for probe in probes if probe.fits and probe.peak_memory_bytes
    )
    if len(fitting) < 2:
        return None
    (small, little), (large, much) = fitting[-2:]
    if much <= little:
        return None
    return sizes.rounded(large + (budget_bytes - much) * (large - small) / (much - little))
