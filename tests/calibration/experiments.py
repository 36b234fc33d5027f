"""Simulated runs, judged by the harness's own statistics: how often are its intervals and words wrong?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.statistics import compare, median_estimate
from tests.calibration.noise import NoiseModel, names

FRAMEWORKS = 4
"""Beside the baseline: the family of a real run."""
STEPS = 20
TRUE_DIFFERENCE = 1.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """Shares of simulated runs."""

    median_coverage: float
    """A framework's 95% interval contains its true median."""
    ratio_coverage: float
    """The 95% interval of a ratio contains the true one."""
    false_alarms: float
    """In a run of equal frameworks, some word says faster or slower."""
    found: float
    """The one framework that is 5% faster is called faster."""


def calibrate(model: NoiseModel, repeats: int, experiments: int, seed: int = 0) -> Rates:
    """Error rates over simulated runs with `repeats` processes a framework."""
    rng = np.random.default_rng(seed)
    truth = _true_rate(model, rng)
    median_hits, ratio_hits, alarms, found = 0, 0, 0, 0
    for _ in range(experiments):
        equal = model.rates({"baseline": 1.0, **dict.fromkeys(names(FRAMEWORKS), 1.0)}, repeats, STEPS, rng)
        baseline = equal.pop("baseline")
        compared = compare(equal, baseline)
        alarms += any(one.word in ("more", "less") for one in compared.values())
        first = compared["framework 1"].ratio
        ratio_hits += (first.low or 1.0) <= 1.0 <= (first.high or 1.0)
        # Drift of the machine cancels in a ratio but not in a median, which is therefore asked for without it.
        alone = median_estimate([model.rate(1.0, STEPS, rng) for _ in range(repeats)])
        median_hits += (alone.low or 0.0) <= truth <= (alone.high or 0.0)
        faster = {**dict.fromkeys(names(FRAMEWORKS), 1.0), "framework 1": TRUE_DIFFERENCE}
        rates = model.rates({"baseline": 1.0, **faster}, repeats, STEPS, rng)
        baseline = rates.pop("baseline")
        found += compare(rates, baseline)["framework 1"].word == "more"
    return Rates(
        median_coverage=median_hits / experiments,
        ratio_coverage=ratio_hits / experiments,
        false_alarms=alarms / experiments,
        found=found / experiments,
    )


def _true_rate(model: NoiseModel, rng: np.random.Generator) -> float:
    """The median over very many processes."""
    return float(np.median([model.rate(1.0, STEPS, rng) for _ in range(20_001)]))
