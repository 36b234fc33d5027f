"""What disturbs processes beside independent noise: simulated runs with an effect of rounds, neighbours or machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
AR = 0.8
OUTLIERS = 0.08


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """Of the simulation."""

    runs: int
    rounds: int
    frameworks: int
    """With the baseline."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the processes' noise."""
        return self.runs, self.rounds, self.frameworks


def normal(size: Size, rng: np.random.Generator) -> Floats:
    """Independent and normal."""
    return rng.standard_normal(size.shape)


def heavy_tails(size: Size, rng: np.random.Generator) -> Floats:
    """Student's t with 3 degrees of freedom, of standard deviation 1."""
    return np.asarray(rng.standard_t(3, size.shape) / np.sqrt(3), dtype=np.float64)


def skewed(size: Size, rng: np.random.Generator) -> Floats:
    """Exponential: processes are now and then slower, never faster."""
    return 1 - rng.standard_exponential(size.shape)


def outliers(size: Size, rng: np.random.Generator) -> Floats:
    """8% of the processes are slower by 5 to 20 standard deviations."""
    slow = rng.uniform(5, 20, size.shape) * (rng.random(size.shape) < OUTLIERS)
    return rng.standard_normal(size.shape) - slow


def round_effect(size: Size, rng: np.random.Generator) -> Floats:
    """Each round is faster or slower as a whole, by 5 standard deviations."""
    return rng.standard_normal(size.shape) + 5 * rng.standard_normal((size.runs, size.rounds, 1))


def drift(size: Size, rng: np.random.Generator) -> Floats:
    """The machine becomes slower by 6 standard deviations from the first cell to the last."""
    slower = np.linspace(0, -6, size.rounds * size.frameworks)
    return rng.standard_normal(size.shape) + _in_time(size, rng, slower[None, :])


def persistent(size: Size, rng: np.random.Generator) -> Floats:
    """Each cell's noise is 0.8 times that of the cell before it, and something new (AR(1))."""
    cells = size.rounds * size.frameworks
    noise = rng.standard_normal((size.runs, cells))
    for cell in range(1, cells):
        noise[:, cell] = AR * noise[:, cell - 1] + np.sqrt(1 - AR**2) * noise[:, cell]
    return _in_time(size, rng, noise)


def machines(size: Size, rng: np.random.Generator) -> Floats:
    """The first half of the rounds ran on one machine and the rest on another, 5 standard deviations apart."""
    effect = 5 * rng.standard_normal((size.runs, 2, 1))
    of_round = (np.arange(size.rounds) * 2 // size.rounds).clip(0, 1)
    return rng.standard_normal(size.shape) + effect[:, of_round]


def unequal(size: Size, rng: np.random.Generator) -> Floats:
    """One framework scatters three times as much as the others."""
    scales = np.array([1.0, 3.0, *([1.0] * (size.frameworks - 2))])
    return np.asarray(rng.standard_normal(size.shape) * scales, dtype=np.float64)


DISTURBANCES: dict[str, Callable[[Size, np.random.Generator], Floats]] = {
    "independent": normal,
    "heavy tails (t, 3 degrees)": heavy_tails,
    "skewed": skewed,
    "8% slow outliers": outliers,
    "round effect of 5 sd": round_effect,
    "drift of 6 sd": drift,
    "persistent (AR 0.8)": persistent,
    "two machines, 5 sd": machines,
    "one scatters 3 times": unequal,
}


def _in_time(size: Size, rng: np.random.Generator, over_cells: Floats) -> Floats:
    """What happened cell after cell, as [runs, rounds, frameworks]: each round is in a random order of its own."""
    order = np.argsort(rng.random(size.shape), axis=2)
    in_order = np.broadcast_to(over_cells, (size.runs, size.rounds * size.frameworks)).reshape(size.shape)
    return np.take_along_axis(in_order, order, axis=2)
