"""Which size to try next, from those that were tried: memory grows nearly along a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records.searches import Trial, largest_fit, smallest_miss

RESOLUTION = 0.02
"""The search ends when the largest that fits and the smallest that does not lie so close, relative to the first."""
GROWTH = 4
"""At most so many times the largest that has been seen to fit: far too large a size may take minutes to fail."""
INSIDE = 0.1
"""A line that points closer than this share of the gap to its ends has just been wrong: then the gap is halved."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """The sizes that a search is over: the multiples of `step` up to `most`."""

    step: int
    first: int
    """Where it begins."""
    most: int

    def rounded(self, size: float) -> int:
        """The multiple of `step` below, but at least one."""
        return max(self.step, int(size) // self.step * self.step)


def next_size(probes: Sequence[Trial], budget_bytes: int, sizes: Range) -> int | None:
    """The size to try next; None when the largest that fits is known well enough, or nothing fits."""
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


def _on_the_line(probes: Sequence[Trial], budget_bytes: int, sizes: Range) -> int | None:
    """Where the two largest that fit say that the budget ends; None if they do not say."""
    fitting = sorted(
        (probe.size, probe.peak_memory_bytes) for probe in probes if probe.fits and probe.peak_memory_bytes
    )
    if len(fitting) < 2:
        return None
    (small, little), (large, much) = fitting[-2:]
    if much <= little:
        return None
    return sizes.rounded(large + (budget_bytes - much) * (large - small) / (much - little))
