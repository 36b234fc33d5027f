"""An Experiment -> its cells, in rounds. Each round runs everything once, in its own random order."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.job.experiment import Experiment, Track, section
from harness.job.frameworks import BASELINE
from harness.job.job import Job, Method


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One framework training one job in one track. It is audited once and timed in a cell per repeat."""

    framework: str
    track: Track
    job: Job
    native: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    """Options that deep_merge puts into the framework's config; empty in the parity track."""

    @property
    def method(self) -> Method:
        """The job's method."""
        return self.job.method

    @property
    def section(self) -> str:
        """The section in which it is compared."""
        return section(self.method, self.track)

    @property
    def title(self) -> str:
        """The entry's name for people, like "unsloth lora, tuned"."""
        return f"{self.framework} {self.section}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell(Entry):
    """One framework training one job once, in its own process."""

    repeat: int
    """Number of the repeat and of its round, from 1."""
    twin: bool = False
    """True for the second baseline of an A/A pair, which shows what this machine makes of no difference."""

    @property
    def name(self) -> str:
        """Name of its folder, unique in a run."""
        return cell_name(self.framework, self.method, self.track, self.repeat, twin=self.twin)


def cell_name(framework: str, method: str, track: str, repeat: int, *, twin: bool) -> str:
    """Return the name of a cell."""
    return f"{framework}{'-twin' if twin else ''}-{method}-{track}-{repeat:02d}"


def entries(experiment: Experiment) -> tuple[Entry, ...]:
    """Return everything that is compared, section by section."""
    found: list[Entry] = []
    for track in experiment.tracks:
        for method, job in experiment.jobs.items():
            if track == "parity":
                found += [Entry(framework=name, track=track, job=job) for name in experiment.frameworks]
            else:
                tunings = {name: by_method[method] for name, by_method in experiment.tunings.items()}
                found += [
                    Entry(framework=name, track=track, job=tuning.job, native=tuning.native)
                    for name, tuning in tunings.items()
                ]
    return tuple(found)


def plan(experiment: Experiment) -> tuple[Cell, ...]:
    """Return all cells that may run, in their order. The seed decides the order, so a resumed run keeps it.

    With `until`, rounds after the first `repeats` run only the cells that are needed; see harness.analysis.adaptive.
    """
    cells: list[Cell] = []
    for repeat in range(1, experiment.most_repeats + 1):
        this_round = [
            Cell(framework=entry.framework, track=entry.track, job=entry.job, native=entry.native, repeat=repeat)
            for entry in entries(experiment)
        ]
        if experiment.aa:
            twins = [cell for cell in this_round if cell.framework == BASELINE and cell.track == "parity"]
            this_round += [dataclasses.replace(cell, twin=True) for cell in twins]
        random.Random(f"{experiment.seed}/{repeat}").shuffle(this_round)
        cells.extend(this_round)
    return tuple(cells)
