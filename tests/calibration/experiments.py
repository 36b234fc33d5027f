"""Simulated runs, judged by the harness's own statistics: how often are its intervals and words wrong?"""

from __future__ import annotations

import math
from bisect import bisect
from dataclasses import dataclass, replace

import numpy as np

from harness.analysis.adaptive import in_need
from harness.analysis.estimates import median_estimate
from harness.analysis.significance import compare
from harness.job.experiment import SMALLEST_EFFECT
from harness.job.frameworks import BASELINE
from tests.calibration.candidates import CANDIDATES, shown
from tests.calibration.disturbances import DISTURBANCES, Size
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
        equal = _rounds(model.rates({BASELINE: 1.0, **dict.fromkeys(names(FRAMEWORKS), 1.0)}, repeats, STEPS, rng))
        baseline = equal.pop(BASELINE)
        compared = compare(equal, baseline, SMALLEST_EFFECT)
        alarms += any(comparison.word in ("more", "less") for comparison in compared.values())
        first = compared["framework 1"].ratio
        ratio_hits += (first.low or 1.0) <= 1.0 <= (first.high or 1.0)
        # Drift of the machine cancels in a ratio but not in a median, which is therefore asked for without it.
        alone = median_estimate([model.rate(1.0, STEPS, rng) for _ in range(repeats)])
        median_hits += (alone.low or 0.0) <= truth <= (alone.high or 0.0)
        faster = {**dict.fromkeys(names(FRAMEWORKS), 1.0), "framework 1": TRUE_DIFFERENCE}
        rates = _rounds(model.rates({BASELINE: 1.0, **faster}, repeats, STEPS, rng))
        baseline = rates.pop(BASELINE)
        found += compare(rates, baseline, SMALLEST_EFFECT)["framework 1"].word == "more"
    return Rates(
        median_coverage=median_hits / experiments,
        ratio_coverage=ratio_hits / experiments,
        false_alarms=alarms / experiments,
        found=found / experiments,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateRates:
    """Of one test under one disturbance: shares of simulated runs."""

    coverage: float
    """The 95% interval contains the true ratio: of the framework where it does so least; NaN without an interval."""
    false_alarms: float
    """In a run of equal frameworks, some is called faster or slower."""
    found: float
    """The one framework that is 5% faster is called faster."""


def calibrate_candidate(
    candidate: str, disturbance: str, rounds: int, deviation: float, runs: int, seed: int = 0
) -> CandidateRates:
    """Error rates of a test; `deviation` is the standard deviation of one process's independent noise, as a share."""
    test = CANDIDATES[candidate]
    size = Size(runs=runs, rounds=rounds, frameworks=FRAMEWORKS + 1)
    logs = deviation * DISTURBANCES[disturbance](size, np.random.default_rng(seed))
    equal = test(logs)
    covered = np.where(np.isnan(equal.reach), np.nan, np.abs(equal.log_ratio) <= equal.reach)
    logs[:, :, 1] += math.log(TRUE_DIFFERENCE)
    return CandidateRates(
        coverage=float(covered.mean(axis=0).min()),
        false_alarms=float((shown(equal) != 0).any(axis=1).mean()),
        found=float((shown(test(logs))[:, 0] > 0).mean()),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class AdaptiveRates:
    """Of simulated runs that went on until their ratios were narrow."""

    coverage: float
    """A ratio's interval, where the rule stopped, contains the true one: of the framework where it does so least."""
    false_alarms: float
    processes: float
    """Mean over the runs, of all frameworks."""
    fixed_processes: int
    """With equally many for each framework, the fewest at which nine runs in ten are as narrow."""


def calibrate_adaptive(
    model: NoiseModel,
    until: float,
    experiments: int,
    *,
    trend: float = 0.0,
    least: int = 5,
    most: int = 30,
    seed: int = 0,
) -> AdaptiveRates:
    """Error rates of the stopping rule over runs of frameworks with unequal noise, and what it saves.

    `trend`: the share by which the machine becomes slower in each round.
    """
    rng = np.random.default_rng(seed)
    everyone = (BASELINE, *names(FRAMEWORKS))
    hits = dict.fromkeys(everyone[1:], 0)
    alarms, processes = 0, 0
    needed: list[int] = []
    for _ in range(experiments):
        # All that could be measured, so that the rule and the fixed plan look at the same runs.
        all_rates = _rounds(_unequal_rates(model, everyone, most, trend, rng))
        used = {name: _first(rates, least) for name, rates in all_rates.items()}
        needy = in_need(used, until)
        for number in range(least + 1, most + 1):
            for name in needy:
                used[name][number] = all_rates[name][number]
            # Who is settled gets no more rounds, so nothing changes for it.
            needy = in_need({name: used[name] for name in needy}, until)
        compared = compare({name: used[name] for name in everyone[1:]}, used[BASELINE], SMALLEST_EFFECT)
        for name, comparison in compared.items():
            hits[name] += (comparison.ratio.low or 1.0) <= 1.0 <= (comparison.ratio.high or 1.0)
        alarms += any(comparison.word in ("more", "less") for comparison in compared.values())
        processes += sum(len(rates) for rates in used.values())
        rounds = range(least, most)
        needed.append(least + bisect(rounds, False, key=lambda n: _all_narrow(all_rates, n, until)))
    return AdaptiveRates(
        coverage=min(hits.values()) / experiments,
        false_alarms=alarms / experiments,
        processes=processes / experiments,
        fixed_processes=int(np.quantile(needed, 0.9, method="higher")) * len(everyone),
    )


def _unequal_rates(
    model: NoiseModel, everyone: tuple[str, ...], rounds: int, trend: float, rng: np.random.Generator
) -> dict[str, list[float]]:
    """Equal frameworks, of which the last scatters three times as much as the others."""
    noisy = replace(model, between=3 * model.between)
    rates: dict[str, list[float]] = {name: [] for name in everyone}
    for drift in model.drift * rng.standard_normal(rounds) + trend * np.arange(rounds):
        for name in everyone:
            rates[name].append((noisy if name == everyone[-1] else model).rate(1.0, STEPS, rng, drift))
    return rates


def _all_narrow(rates: dict[str, dict[int, float]], n: int, until: float) -> bool:
    return not in_need({name: _first(values, n) for name, values in rates.items()}, until)


def _rounds(rates: dict[str, list[float]]) -> dict[str, dict[int, float]]:
    return {name: dict(enumerate(values, start=1)) for name, values in rates.items()}


def _first(rates: dict[int, float], n: int) -> dict[int, float]:
    return {number: rates[number] for number in range(1, n + 1)}


def _true_rate(model: NoiseModel, rng: np.random.Generator) -> float:
    """The median over very many processes."""
    return float(np.median([model.rate(1.0, STEPS, rng) for _ in range(20_001)]))
