"""From processes to estimates with intervals, and from pairs of frameworks to words. The replicate is a process.

docs/statistics.md says why these methods, and which command found their error rates.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Plan = tuple[npt.NDArray[np.int64], Floats]
"""Indices of the values in each resample, and the noise added to them. Each has shape [resamples, n]."""
Rounds = Mapping[Any, float]
"""Figures (above 0) of a framework's processes, by round. Rounds pair the two sides of a ratio."""
Name = TypeVar("Name", bound=Hashable)
Word = Literal["more", "less", "equivalent", "no difference shown", "too few processes"]

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
"""Error rate of a family of comparisons, after Holm."""
RESAMPLES = 4000
RESAMPLES_OF_MANY = 1000
"""Resamples for more than MANY processes, whose medians scatter smoothly."""
SMOOTHING = 0.75
"""Width of the noise in a resample, in standard errors. A median of few values would otherwise take few values."""
MANY = 50
LEAST_FOR_A_VERDICT = 3
"""Fewest processes for a verdict. Two rounded figures may be equal by chance and would seem certain."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A median over processes, or a ratio, with its 95% interval. One process has no interval."""

    value: float
    low: float | None
    high: float | None
    n: int
    """Number of processes; for a ratio, of the side that has fewer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One side compared with the baseline."""

    ratio: Estimate
    p_value: float | None
    """Two-sided, after Holm over the family; None for too few processes."""
    word: Word
    smallest_effect: float
    """A difference below this share does not matter."""


def median_estimate(values: Sequence[float]) -> Estimate:
    """Return the median of the processes' values (above 0) with its interval."""
    n = len(values)
    return _estimate(float(np.median(values)), _log_medians(values, _plan(n)), n, degrees_of_freedom=n - 1)


def ratio_estimate(ours: Rounds, baseline: Rounds) -> Estimate | None:
    """Return the geometric mean of the ratios in the rounds that both sides have; None if they share no round.

    A disturbance of a whole round cancels: a slow machine, a slow hour, another machine of the same kind.
    """
    differences = _differences(ours, baseline)
    return _of_differences(differences).estimate if differences else None


def compare(family: Mapping[Name, Rounds], baseline: Rounds, smallest_effect: float) -> dict[Name, Comparison]:
    """Compare each member of a family with the baseline, over the rounds that both have.

    Members without a common round are left out. The test is Student's t on the logarithms of the rounds' ratios. The
    error rate holds for the whole family. `smallest_effect`: a difference below this share does not matter.
    """
    shared = {name: _differences(values, baseline) for name, values in family.items()}
    return _compared({name: _of_differences(found) for name, found in shared.items() if found}, smallest_effect)


def compare_apart(
    family: Mapping[Name, tuple[Sequence[float], Sequence[float]]], smallest_effect: float
) -> dict[Name, Comparison]:
    """Compare each member of a family with its earlier processes, without common rounds. Values are above 0.

    The test is Welch's t on the logarithms. Everything that changed between the two runs is in the ratio.
    """
    return _compared({name: _of_two_sides(after, before) for name, (after, before) in family.items()}, smallest_effect)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tested:
    """A ratio, and the p-value that belongs to its interval; 1 if there is no interval."""

    estimate: Estimate
    p_value: float


def _compared(tested: Mapping[Name, _Tested], smallest_effect: float) -> dict[Name, Comparison]:
    """Return the verdict on each member of a family. Holm's adjustment skips members with too few processes."""
    enough = {name: test.p_value for name, test in tested.items() if test.estimate.n >= LEAST_FOR_A_VERDICT}
    adjusted = holm(enough)
    return {
        name: Comparison(
            ratio=test.estimate,
            p_value=adjusted.get(name),
            word=_word(test.estimate, adjusted[name], smallest_effect) if name in adjusted else "too few processes",
            smallest_effect=smallest_effect,
        )
        for name, test in tested.items()
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


def _differences(ours: Rounds, baseline: Rounds) -> list[float]:
    """Return the logarithm of the ratio in each round that both sides have."""
    return [
        math.log(ours[round_number] / baseline[round_number]) for round_number in sorted(ours.keys() & baseline.keys())
    ]


def _of_differences(differences: Sequence[float]) -> _Tested:
    n = len(differences)
    error = statistics.stdev(differences) / math.sqrt(n) if n > 1 else 0.0
    return _student(statistics.fmean(differences), error, n, degrees_of_freedom=n - 1)


def _of_two_sides(ours: Sequence[float], other: Sequence[float]) -> _Tested:
    logs = [[math.log(value) for value in side] for side in (ours, other)]
    log_ratio = statistics.fmean(logs[0]) - statistics.fmean(logs[1])
    n = min(len(ours), len(other))
    if n < 2:
        return _student(log_ratio, 0.0, n, degrees_of_freedom=0)
    variances = [statistics.variance(side) / len(side) for side in logs]
    if not any(variances):
        return _student(log_ratio, 0.0, n, degrees_of_freedom=n - 1)
    # Welch's and Satterthwaite's (Biometrika 34, 1947).
    parts = [variance**2 / (len(side) - 1) for variance, side in zip(variances, logs, strict=True)]
    return _student(log_ratio, math.sqrt(sum(variances)), n, degrees_of_freedom=sum(variances) ** 2 / sum(parts))


def _student(log_ratio: float, error: float, n: int, *, degrees_of_freedom: float) -> _Tested:
    """Return a ratio with its interval and two-sided p by Student's t; no interval for one process."""
    value = math.exp(log_ratio)
    if n < 2:
        return _Tested(estimate=Estimate(value=value, low=None, high=None, n=n), p_value=1.0)
    from scipy import special  # This import takes half a second. `--help` need not wait for it.

    reach = float(special.stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2)) * error
    # Peak memory is often the same to the byte in every process.
    p_value = 2 * float(special.stdtr(degrees_of_freedom, -abs(log_ratio) / error)) if error else float(log_ratio == 0)
    estimate = Estimate(value=value, low=value * math.exp(-reach), high=value * math.exp(reach), n=n)
    return _Tested(estimate=estimate, p_value=p_value)


def _log_medians(values: Sequence[float], plan: Plan) -> Floats:
    """Return the medians of smoothed resamples of the logarithms."""
    logs = np.log(np.asarray(values, dtype=np.float64))
    n = len(logs)
    chosen, noise = plan
    spread = logs.std(ddof=1) if n > 1 else 0.0
    medians: Floats = np.median(logs[chosen] + SMOOTHING * spread / math.sqrt(n) * noise, axis=1)
    return medians


@functools.cache
def _plan(n: int) -> Plan:
    """Return the resamples for n. They are always the same, so that a report can be made again to the byte."""
    rng = np.random.default_rng([n, 0])
    count = RESAMPLES if n <= MANY else RESAMPLES_OF_MANY
    return rng.integers(0, n, (count, n)), rng.standard_normal((count, n))


def _estimate(value: float, log_resamples: Floats, n: int, degrees_of_freedom: int) -> Estimate:
    """Return a value with Student's t interval for the resamples' standard deviation."""
    if n < 2:
        return Estimate(value=value, low=None, high=None, n=n)
    from scipy import special

    reach = float(special.stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2) * log_resamples.std())
    return Estimate(value=value, low=value * math.exp(-reach), high=value * math.exp(reach), n=n)
