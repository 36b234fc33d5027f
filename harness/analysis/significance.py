"""From ratios to words: is a difference shown, is none that matters shown, or neither.

docs/statistics.md says why these methods, and which command found their error rates.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from harness.analysis.estimates import Estimate, Rounds, TestedRatio, paired_ratio, unpaired_ratio

Name = TypeVar("Name", bound=Hashable)
Word = Literal["more", "less", "equivalent", "no difference shown", "too few processes"]

SIGNIFICANCE = 0.05
"""Error rate of a family of comparisons, after Holm."""
LEAST_FOR_A_VERDICT = 3
"""Fewest processes for a verdict. Two rounded figures may be equal by chance and would seem certain."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One side compared with the baseline."""

    ratio: Estimate
    p_value: float | None
    """Two-sided, after Holm over the family; None for too few processes."""
    word: Word
    smallest_effect: float
    """A difference below this share does not matter."""


def compare(family: Mapping[Name, Rounds], baseline: Rounds, smallest_effect: float) -> dict[Name, Comparison]:
    """Compare each member of a family with the baseline, over the rounds that both have.

    Members without a common round are left out. The test is Student's t on the logarithms of the rounds' ratios. The
    error rate holds for the whole family. `smallest_effect`: a difference below this share does not matter.
    """
    ratios = {name: paired_ratio(values, baseline) for name, values in family.items()}
    return _compared({name: ratio for name, ratio in ratios.items() if ratio is not None}, smallest_effect)


def compare_apart(
    family: Mapping[Name, tuple[Sequence[float], Sequence[float]]], smallest_effect: float
) -> dict[Name, Comparison]:
    """Compare each member of a family with its earlier processes, without common rounds. Values are above 0.

    The test is Welch's t on the logarithms. Everything that changed between the two runs is in the ratio.
    """
    return _compared({name: unpaired_ratio(*sides) for name, sides in family.items()}, smallest_effect)


def _compared(ratios: Mapping[Name, TestedRatio], smallest_effect: float) -> dict[Name, Comparison]:
    """Return the verdict on each member of a family. Holm's adjustment skips members with too few processes."""
    enough = {name: ratio.p_value for name, ratio in ratios.items() if ratio.estimate.n >= LEAST_FOR_A_VERDICT}
    adjusted = holm(enough)
    return {
        name: Comparison(
            ratio=ratio.estimate,
            p_value=adjusted.get(name),
            word=_word(ratio.estimate, adjusted[name], smallest_effect) if name in adjusted else "too few processes",
            smallest_effect=smallest_effect,
        )
        for name, ratio in ratios.items()
    }


def holm(p_values: Mapping[Name, float]) -> dict[Name, float]:
    """Holm's step-down adjustment (Scandinavian Journal of Statistics 6, 1979)."""
    adjusted: dict[Name, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, min(1.0, p_values[name] * (len(p_values) - rank)))
        adjusted[name] = largest
    return adjusted


def _word(ratio: Estimate, p_value: float, smallest_effect: float) -> Word:
    assert ratio.low is not None and ratio.high is not None
    most, least = 1 + smallest_effect, 1 / (1 + smallest_effect)
    if least <= ratio.low and ratio.high <= most:
        return "equivalent"
    if p_value <= SIGNIFICANCE and ratio.low > 1 and ratio.value >= most:
        return "more"
    if p_value <= SIGNIFICANCE and ratio.high < 1 and ratio.value <= least:
        return "less"
    return "no difference shown"
