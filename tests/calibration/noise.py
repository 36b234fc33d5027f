"""How the step times of real processes scatter, fitted to recorded runs, and simulated runs with that scatter."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.records.run_folder import RunFolder

OUTLIER = 4.0
"""A process this many robust standard deviations above its framework's median is an outlier."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoiseModel:
    """Standard deviations of the logarithm of a step's duration, by where they come from."""

    between: float
    """From process to process of one framework."""
    within: float
    """From step to step of one process."""
    drift: float
    """From round to round, shared by all processes of a round."""
    outlier_share: float
    """Of the processes, how many are disturbed."""
    outlier_factor: float
    """By how much their steps take longer."""

    def rates(
        self, speeds: Mapping[str, float], rounds: int, steps: int, rng: np.random.Generator
    ) -> dict[str, list[float]]:
        """tokens/s of each process of a simulated run; `speeds` are the true ones."""
        rates: dict[str, list[float]] = {name: [] for name in speeds}
        for drift in self.drift * rng.standard_normal(rounds):
            for name, speed in speeds.items():
                rates[name].append(self.rate(speed, steps, rng, drift))
        return rates

    def rate(self, speed: float, steps: int, rng: np.random.Generator, drift: float = 0.0) -> float:
        """tokens/s of one simulated process: by the median of its steps, as the harness takes it."""
        level = drift + self.between * rng.standard_normal()
        if rng.random() < self.outlier_share:
            level += math.log(self.outlier_factor)
        durations = np.exp(level + self.within * rng.standard_normal(steps)) / speed
        return float(1 / np.median(durations))


def fitted(run: Path) -> NoiseModel:
    """The noise model of a recorded run, by the variance components of its steady steps (method of moments)."""
    folder = RunFolder(run)
    logs: dict[tuple[str, str], dict[int, list[float]]] = {}
    for record in folder.read_records():
        if record.twin:
            continue
        steady = [math.log(step["seconds"]) for step in folder.read_steps(record.cell) if not step["warmup"]]
        logs.setdefault((record.method, record.framework), {})[record.repeat] = steady
    within = math.sqrt(
        statistics.mean(statistics.variance(steps) for cells in logs.values() for steps in cells.values())
    )
    medians = {
        key: {repeat: statistics.median(steps) for repeat, steps in cells.items()} for key, cells in logs.items()
    }
    centred = {key: _minus(cells, statistics.mean(cells.values())) for key, cells in medians.items()}
    rounds = sorted({repeat for cells in centred.values() for repeat in cells})
    effect = {
        repeat: statistics.mean(cells[repeat] for cells in centred.values() if repeat in cells) for repeat in rounds
    }
    rest = [cells[repeat] - effect[repeat] for cells in centred.values() for repeat in cells]
    steps = statistics.mean(len(steps) for cells in logs.values() for steps in cells.values())
    freedom = len(rest) - len(centred) - len(rounds) + 1
    process = sum(value**2 for value in rest) / freedom
    # The variance of a median of normal values is about pi / 2 of that of their mean.
    between = math.sqrt(max(0.0, process - math.pi / 2 * within**2 / steps))
    drift = math.sqrt(max(0.0, statistics.variance(effect.values()) - process / len(centred)))
    robust = statistics.median(abs(value) for value in rest) / 0.6745
    odd = [value for value in rest if value > OUTLIER * robust]
    factor = math.exp(statistics.mean(odd)) if odd else 1.0
    return NoiseModel(
        between=between, within=within, drift=drift, outlier_share=len(odd) / len(rest), outlier_factor=factor
    )


def _minus(cells: Mapping[int, float], mean: float) -> dict[int, float]:
    return {repeat: value - mean for repeat, value in cells.items()}


GPU_LIKE = NoiseModel(between=0.01, within=0.01, drift=0.003, outlier_share=0.01, outlier_factor=1.05)
"""Assumed, not fitted: no GPU run is recorded yet. One per cent from process to process, one in a hundred disturbed."""


def names(count: int) -> Iterable[str]:
    """Names of simulated frameworks beside the baseline."""
    return (f"framework {index}" for index in range(1, count + 1))
