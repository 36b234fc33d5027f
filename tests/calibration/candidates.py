"""Ways to decide whether a framework differs from the baseline, over simulated runs as arrays; see docs/statistics.md.

Each takes the logarithms of the processes' tokens/s, [runs, rounds, frameworks] with the baseline first, and gives for
each run and each other framework the logarithm of its ratio, a p-value and the reach of its 95% interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from harness.analysis.estimates import CONFIDENCE
from harness.analysis.significance import SIGNIFICANCE
from harness.job.experiment import SMALLEST_EFFECT

Floats = npt.NDArray[np.float64]
TRIMMED = 0.2
"""Of each side."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tested:
    """What a test says: arrays of [runs, frameworks]."""

    log_ratio: Floats
    p_value: Floats
    reach: Floats
    """From the logarithm of the ratio to either end of its interval; NaN where the test has no interval."""


def paired_t(logs: Floats) -> Tested:
    """Student's t on the logarithm of each round's ratio, as analysis.significance.compare does it, for many runs."""
    differences = logs[:, :, 1:] - logs[:, :, :1]
    n = differences.shape[1]
    return _student(differences.mean(axis=1), differences.std(axis=1, ddof=1) / math.sqrt(n), n - 1)


def trimmed_t(logs: Floats) -> Tested:
    """Yuen's: the largest and smallest fifth of the rounds' ratios do not count (Biometrika 61, 1974)."""
    differences = np.sort(logs[:, :, 1:] - logs[:, :, :1], axis=1)
    n = differences.shape[1]
    cut = max(1, int(TRIMMED * n)) if n > 3 else 0
    middle = differences[:, cut : n - cut]
    winsorized = np.clip(differences, middle[:, :1], middle[:, -1:])
    h = n - 2 * cut
    error = np.sqrt((n - 1) * winsorized.var(axis=1, ddof=1) / (h * (h - 1)))
    return _student(middle.mean(axis=1), error, h - 1)


def pooled_t(logs: Floats) -> Tested:
    """As if all frameworks scattered alike: one variance from what rounds and frameworks do not explain."""
    effects = (
        logs.mean(axis=1, keepdims=True) + logs.mean(axis=2, keepdims=True) - logs.mean(axis=(1, 2), keepdims=True)
    )
    _, n, m = logs.shape
    freedom = (n - 1) * (m - 1)
    variance = ((logs - effects) ** 2).sum(axis=(1, 2)) / freedom
    mean = (logs[:, :, 1:] - logs[:, :, :1]).mean(axis=1)
    return _student(mean, np.broadcast_to(np.sqrt(2 * variance / n)[:, None], mean.shape), freedom)


def signed_ranks(logs: Floats) -> Tested:
    """Wilcoxon's test on the rounds' ratios, exact."""
    differences = logs[:, :, 1:] - logs[:, :, :1]
    p_value: Floats = stats.wilcoxon(differences, axis=1, method="exact").pvalue
    return _without_interval(np.median(differences, axis=1), p_value)


def ranks(logs: Floats) -> Tested:
    """Mann-Whitney's over all processes, which does not know of rounds, exact."""
    ours, other = logs[:, :, 1:], np.broadcast_to(logs[:, :, :1], logs[:, :, 1:].shape)
    p_value = stats.mannwhitneyu(ours, other, axis=1, method="exact").pvalue
    return _without_interval(np.median(ours, axis=1) - np.median(other, axis=1), p_value)


def welch(logs: Floats) -> Tested:
    """Welch's t, which does not know of rounds: harness.analysis.significance.compare_apart."""
    ours, other = logs[:, :, 1:], logs[:, :, :1]
    n = logs.shape[1]
    a, b = ours.var(axis=1, ddof=1) / n, other.var(axis=1, ddof=1) / n
    freedom = (a + b) ** 2 * (n - 1) / (a**2 + b**2)
    return _student(ours.mean(axis=1) - other.mean(axis=1), np.sqrt(a + b), freedom)


CANDIDATES: dict[str, Callable[[Floats], Tested]] = {
    "t on the rounds' ratios": paired_t,
    "trimmed t": trimmed_t,
    "pooled t": pooled_t,
    "signed ranks": signed_ranks,
    "ranks over all": ranks,
    "Welch's t over all": welch,
}


def shown(results: Tested, smallest_effect: float = SMALLEST_EFFECT) -> Floats:
    """1 where "more" may be said, -1 for "less", else 0: after Holm, and beyond what matters."""
    order = np.argsort(results.p_value, axis=1)
    count = results.p_value.shape[1]
    sorted_p = np.take_along_axis(results.p_value, order, axis=1) * np.arange(count, 0, -1)
    adjusted = np.empty_like(sorted_p)
    np.put_along_axis(adjusted, order, np.maximum.accumulate(np.minimum(sorted_p, 1.0), axis=1), axis=1)
    said = (adjusted <= SIGNIFICANCE) & (np.abs(results.log_ratio) >= math.log1p(smallest_effect))
    return np.where(said, np.sign(results.log_ratio), 0.0)


def _student(mean: Floats, error: Floats, freedom: Floats | int) -> Tested:
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = 2 * special.stdtr(freedom, -np.abs(mean / error))
    return Tested(log_ratio=mean, p_value=p_value, reach=special.stdtrit(freedom, (1 + CONFIDENCE) / 2) * error)


def _without_interval(log_ratio: Floats, p_value: Floats) -> Tested:
    return Tested(log_ratio=log_ratio, p_value=p_value, reach=np.full_like(log_ratio, np.nan))
