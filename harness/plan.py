"""An Experiment -> its cells, in rounds: each round runs everything once, in a random order of its own."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from typing import Literal

from harness.frameworks import BASELINE
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
    twin: bool = False
    """The second of an A/A pair: the baseline again, to see what difference this machine shows where there is none."""

    @property
    def name(self) -> str:
        """The name of its folder, unique in a run."""
        twin = "-twin" if self.twin else ""
        return f"{self.framework}{twin}-{self.method}-{self.track}-{self.repeat:02d}"


def plan(experiment: Experiment) -> tuple[Cell, ...]:
    """All cells that may run, in their order; the seed decides it, so a resumed run keeps it.

    With `until`, rounds after the first `repeats` are run only by whom they are needed; see harness.adaptive.
    """
    cells: list[Cell] = []
    for repeat in range(1, experiment.most_repeats + 1):
        this_round = [
            Cell(framework=framework, method=method, track="parity", repeat=repeat, job=job)
            for method, job in experiment.jobs.items()
            for framework in experiment.frameworks
        ]
        if experiment.aa:
            this_round += [dataclasses.replace(cell, twin=True) for cell in this_round if cell.framework == BASELINE]
        random.Random(f"{experiment.seed}/{repeat}").shuffle(this_round)
        cells.extend(this_round)
    return tuple(cells)
