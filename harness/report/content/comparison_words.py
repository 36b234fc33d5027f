"""A comparison with the baseline as text: figures, ratios, intervals, words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.analysis.compare_frameworks import Measured
from harness.analysis.estimates import Estimate
from harness.analysis.significance import Comparison, Word
from harness.text import units

SPEED_WORDS: Mapping[Word, str] = {"more": "faster", "less": "slower"}
MEMORY_WORDS: Mapping[Word, str] = {"more": "more memory", "less": "less memory"}
CPU_WORDS: Mapping[Word, str] = {"more": "more CPU time", "less": "less CPU time"}


def interval_text(estimate: Estimate, show: Callable[[float], str]) -> str:
    """Return a figure with its interval, if it has one."""
    if estimate.low is None or estimate.high is None:
        return show(estimate.value)
    return f"{show(estimate.value)} ({show(estimate.low)} to {show(estimate.high)})"


def ratio_of(measured: Measured | None) -> str:
    """Return the ratio to the baseline with its interval, if there is one."""
    if measured is None or measured.comparison is None:
        return units.NOTHING
    return ratio_text(measured.comparison.ratio)


def ratio_text(estimate: Estimate) -> str:
    """Return a ratio with its interval."""
    interval = "" if estimate.low is None or estimate.high is None else f" ({estimate.low:.2f} to {estimate.high:.2f})"
    return units.ratio(estimate.value) + interval


def word_of(measured: Measured | None, words: Mapping[Word, str]) -> str:
    """Return what a comparison says, in the words of its quantity."""
    if measured is None or measured.comparison is None:
        return units.NOTHING
    return word_for(measured.comparison, words)


def word_for(comparison: Comparison, words: Mapping[Word, str]) -> str:
    """Return the word of a comparison, in the words of its quantity."""
    if comparison.word == "equivalent":
        return f"equivalent within {100 * comparison.smallest_effect:g}%"
    return words.get(comparison.word, comparison.word)
