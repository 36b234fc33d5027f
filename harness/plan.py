"""An Experiment -> its cells, in rounds: each round runs everything once, in a random order of its own."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from harness.job import Job, Method
from harness.recipe import Experiment

Track = Literal["parity", "tuned"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One framework training one job once, in a process of its own."""

    framework: str
    method: Method
    track: Track
    repeat: int
    """Counted from 1; also the number of the round."""
    job: Job

    @property
    def name(self) -> str:
        """The name of its folder, unique in a run."""
        return f"{self.framework}-{self.method}-{self.track}-{self.repeat:02d}"


def plan(experiment: Experiment) -> tuple[Cell, ...]:
    """All cells in the order in which they run; the seed decides it, so a resumed run keeps it."""
    cells: list[Cell] = []
    for repeat in range(1, experiment.repeats + 1):
        this_round = [
            Cell(framework=framework, method=method, track="parity", repeat=repeat, job=job)
            for method, job in experiment.jobs.items()
            for framework in experiment.frameworks
        ]
        random.Random(f"{experiment.seed}/{repeat}").shuffle(this_round)
        cells.extend(this_round)
    return tuple(cells)
