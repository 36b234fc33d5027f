"""From processes to estimates with intervals, and from pairs of frameworks to words. The replicate is a process.

docs/statistics.md says why these methods, and with which command their error rates were found.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Plan = tuple[npt.NDArray[np.int64], Floats]
"""Which of n values each resample takes, and the noise on them: [resamples, n] each."""
Rounds = Mapping[int, float]
"""A figure (above 0) of each of a framework's processes, by the round in which it ran."""
Name = TypeVar("Name", bound=Hashable)
Word = Literal["more", "less", "equivalent", "no difference shown", "too few processes"]

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
"""Of a family of comparisons, after Holm."""
RESAMPLES = 4000
RESAMPLES_OF_MANY = 1000
"""Of more than MOST_EXACT processes, whose medians scatter smoothly."""
SMOOTHING = 0.75
"""Width of the noise added to a resample, in standard errors: medians of a handful of values take few values else."""
MOST_EXACT = 50
"""Processes a side; with more, the exact distribution takes long and the normal one is as good."""
MOST_SPLITS = 20_000
"""Of the ways to deal processes to two sides, of which each is tried (8 against 8: 12,870)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A median over processes, or a ratio of two, with its 95% interval; no interval for a single process."""

    value: float
    low: float | None
    high: float | None
    n: int
    """Processes; of a ratio, those of the side that has fewer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One side against the baseline."""

    ratio: Estimate
    p_value: float | None
    """Two-sided, exact where the count allows it, after Holm over the family; None for too few processes."""
    word: Word
    smallest_effect: float
    """A difference below this share does not matter."""


def median_estimate(values: Sequence[float]) -> Estimate:
    """The median of the processes' values (above 0) with its interval."""
    n = len(values)
    return _estimate(float(np.median(values)), _log_medians(values, _plan(n, 0)), n, degrees_of_freedom=n - 1)


def ratio_estimate(ours: Rounds, baseline: Rounds) -> Estimate | None:
    """The ratio of two medians over the rounds that both sides have; None without any.

    A machine that becomes slower would favour whoever ran only the first rounds. Whole rounds are resampled: what a
    round does to both sides cancels.
    """
    above, below = _shared(ours, baseline)
    return _ratio(above, below, together=True) if above else None


def compare(family: Mapping[Name, Rounds], baseline: Rounds, smallest_effect: float) -> dict[Name, Comparison]:
    """Each member of a family against the baseline, over the rounds that both have; without any it is left out.

    The family's error rate is held together. `smallest_effect`: a difference below this share does not matter.
    """
    shared = {name: _shared(own, baseline) for name, own in family.items()}
    sides = {
        name: (_ratio(above, below, together=True), above, below) for name, (above, below) in shared.items() if above
    }
    return _words(sides, smallest_effect)


def compare_apart(
    family: Mapping[Name, tuple[Sequence[float], Sequence[float]]], smallest_effect: float
) -> dict[Name, Comparison]:
    """Each member of a family against its own earlier processes, in no common rounds. Values are above 0."""
    sides = {
        name: (_ratio(tuple(after), tuple(before), together=False), after, before)
        for name, (after, before) in family.items()
    }
    return _words(sides, smallest_effect)


def _words(
    sides: Mapping[Name, tuple[Estimate, Sequence[float], Sequence[float]]], smallest_effect: float
) -> dict[Name, Comparison]:
    """What may be said of each member of a family: its ratio, and the values on both sides of it."""
    reachable = {
        name for name, (_, ours, other) in sides.items() if verdict_is_reachable(len(ours), len(other), len(sides))
    }
    adjusted = holm(
        {name: _p_value(ours, other) if name in reachable else 1.0 for name, (_, ours, other) in sides.items()}
    )
    found = {}
    for name, (ratio, _, _) in sides.items():
        p_value = adjusted[name] if name in reachable else None
        word: Word = "too few processes" if p_value is None else _word(ratio, p_value, smallest_effect)
        found[name] = Comparison(ratio=ratio, p_value=p_value, word=word, smallest_effect=smallest_effect)
    return found


def verdict_is_reachable(n: int, m: int, family: int) -> bool:
    """Whether the smallest p that n against m processes can give is significant as the best one of a family."""
    return 2 / math.comb(n + m, n) * family <= SIGNIFICANCE


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


def _p_value(ours: Sequence[float], other: Sequence[float]) -> float:
    """Two-sided p of the permutation test on ranks (Mann-Whitney's), so that one odd process changes little."""
    if math.comb(len(ours) + len(other), len(ours)) <= MOST_SPLITS:
        return exact_p_value(ours, other)
    from scipy import stats  # Takes a second to import, which most runs need not wait for.

    if max(len(ours), len(other)) > MOST_EXACT:
        return float(stats.mannwhitneyu(ours, other, method="asymptotic").pvalue)
    if len({*ours, *other}) == len(ours) + len(other):
        return float(stats.mannwhitneyu(ours, other, method="exact").pvalue)
    # Equal values, as peak memory often has, change the exact distribution.
    tried = stats.PermutationMethod(n_resamples=MOST_SPLITS, rng=np.random.default_rng(0))
    return float(stats.mannwhitneyu(ours, other, method=tried).pvalue)


def exact_p_value(ours: Sequence[float], other: Sequence[float]) -> float:
    """Two-sided p of Mann-Whitney's test over every split of the values; equal ones share their ranks.

    Twice the smaller of the two tails, as scipy.stats.mannwhitneyu has it, with the same p.
    """
    values = np.asarray([*ours, *other], dtype=np.float64)
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    sums = ranks[_splits(len(ours), len(other))].sum(axis=1)
    observed = ranks[: len(ours)].sum()
    tails = (np.mean(sums <= observed), np.mean(sums >= observed))
    return float(min(1.0, 2 * min(tails)))


@functools.cache
def _splits(n: int, m: int) -> npt.NDArray[np.intp]:
    """Every choice of n of n + m places."""
    return np.array(list(itertools.combinations(range(n + m), n)), dtype=np.intp)


def _shared(ours: Rounds, baseline: Rounds) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Both sides' values in the rounds that both have."""
    rounds = sorted(ours.keys() & baseline.keys())
    return tuple(ours[one] for one in rounds), tuple(baseline[one] for one in rounds)


@functools.lru_cache(maxsize=1024)
def _ratio(above: tuple[float, ...], below: tuple[float, ...], *, together: bool) -> Estimate:
    """The ratio of two medians; `together`: both are of the same rounds, which are resampled as wholes.

    Kept, since a report and the claims in it ask for the same ones.
    """
    n, m = len(above), len(below)
    value = float(np.median(above) / np.median(below))
    if min(n, m) < 2:
        return Estimate(value=value, low=None, high=None, n=min(n, m))
    chosen, noise = _plan(m, 1)
    other = (chosen, _plan(m, 2)[1]) if together else _plan(n, 2)
    resamples = _log_medians(above, other) - _log_medians(below, (chosen, noise))
    return _estimate(value, resamples, min(n, m), degrees_of_freedom=n + m - 2)


def _log_medians(values: Sequence[float], plan: Plan) -> Floats:
    """Medians of smoothed resamples of the logarithms."""
    logs = np.log(np.asarray(values, dtype=np.float64))
    n = len(logs)
    chosen, noise = plan
    spread = logs.std(ddof=1) if n > 1 else 0.0
    medians: Floats = np.median(logs[chosen] + SMOOTHING * spread / math.sqrt(n) * noise, axis=1)
    return medians


@functools.cache
def _plan(n: int, stream: int) -> Plan:
    """Always the same resamples for the same n, so that a report can be made again to the same bytes."""
    rng = np.random.default_rng([n, stream])
    count = RESAMPLES if n <= MOST_EXACT else RESAMPLES_OF_MANY
    return rng.integers(0, n, (count, n)), rng.standard_normal((count, n))


def _estimate(value: float, log_resamples: Floats, n: int, degrees_of_freedom: int) -> Estimate:
    """A value with the interval that Student's t gives for the resamples' standard deviation."""
    if n < 2:
        return Estimate(value=value, low=None, high=None, n=n)
    from scipy import special

    reach = float(special.stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2) * log_resamples.std())
    return Estimate(value=value, low=value * math.exp(-reach), high=value * math.exp(reach), n=n)
