"""From processes to estimates with intervals: medians, and ratios between two sides. The replicate is a process.

docs/statistics.md says why these methods, and which command found their error rates.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Plan = tuple[npt.NDArray[np.int64], Floats]
"""Indices of the values in each resample, and the noise added to them. Each has shape [resamples, n]."""
Rounds = Mapping[Any, float]
"""Figures (above 0) of a framework's processes, by round. Rounds pair the two sides of a ratio."""

CONFIDENCE = 0.95
RESAMPLES = 4000
RESAMPLES_OF_MANY = 1000
"""Resamples for more than MANY processes, whose medians scatter smoothly."""
SMOOTHING = 0.75
"""Width of the noise in a resample, in standard errors. A median of few values would otherwise take few values."""
MANY = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A median over processes, or a ratio, with its 95% interval. One process has no interval."""

    value: float
    low: float | None
    high: float | None
    n: int
    """Number of processes; for a ratio, of the side that has fewer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TestedRatio:
    """A ratio, and the p-value that belongs to its interval; 1 if there is no interval."""

    estimate: Estimate
    p_value: float


def median_estimate(values: Sequence[float]) -> Estimate:
    """Return the median of the processes' values (above 0) with its interval."""
    n = len(values)
    return _estimate(float(np.median(values)), _log_medians(values, _plan(n)), n, degrees_of_freedom=n - 1)


def ratio_estimate(ours: Rounds, baseline: Rounds) -> Estimate | None:
    """Return the ratio of two sides over their common rounds; None without one. See paired_ratio."""
    ratio = paired_ratio(ours, baseline)
    return None if ratio is None else ratio.estimate


def paired_ratio(ours: Rounds, baseline: Rounds) -> TestedRatio | None:
    """Return the geometric mean of the ratios in the rounds that both sides have; None if they share no round.

    The test is Student's t on the logarithms of the rounds' ratios. A disturbance of a whole round cancels: a slow
    machine, a slow hour, another machine of the same kind.
    """
    differences = [math.log(ours[number] / baseline[number]) for number in sorted(ours.keys() & baseline.keys())]
    n = len(differences)
    if not n:
        return None
    error = statistics.stdev(differences) / math.sqrt(n) if n > 1 else 0.0
    return _student(statistics.fmean(differences), error, n, degrees_of_freedom=n - 1)


def unpaired_ratio(ours: Sequence[float], other: Sequence[float]) -> TestedRatio:
    """Return the ratio of two sides without common rounds. Values are above 0.

    The test is Welch's t on the logarithms. Everything that differs between the two sides is in the ratio.
    """
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


def _student(log_ratio: float, error: float, n: int, *, degrees_of_freedom: float) -> TestedRatio:
    """Return a ratio with its interval and two-sided p by Student's t; no interval for one process."""
    value = math.exp(log_ratio)
    if n < 2:
        return TestedRatio(estimate=Estimate(value=value, low=None, high=None, n=n), p_value=1.0)
    from scipy import special  # This import takes half a second. `--help` need not wait for it.

    reach = float(special.stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2)) * error
    # Peak memory is often the same to the byte in every process.
    p_value = 2 * float(special.stdtr(degrees_of_freedom, -abs(log_ratio) / error)) if error else float(log_ratio == 0)
    estimate = Estimate(value=value, low=value * math.exp(-reach), high=value * math.exp(reach), n=n)
    return TestedRatio(estimate=estimate, p_value=p_value)


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
