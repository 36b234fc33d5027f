"""An Experiment -> its cells, in rounds: each round runs everything once, in a random order of its own."""

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
    """One framework training one job in one track: audited once, timed in a cell per repeat."""

    framework: str
    track: Track
    job: Job
    native: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    """Laid over the options of the framework's own config; empty in the parity track."""

    @property
    def method(self) -> Method:
        """The job's."""
        return self.job.method

    @property
    def section(self) -> str:
        """What it is compared in."""
        return section(self.method, self.track)

    @property
    def title(self) -> str:
        """As people read it, like "unsloth lora, tuned"."""
        return f"{self.framework} {self.section}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell(Entry):
    """One framework training one job once, in a process of its own."""

    repeat: int
    """Counted from 1; also the number of the round."""
    twin: bool = False
    """The second of an A/A pair: the baseline again, to see what difference this machine shows where there is none."""

    @property
    def name(self) -> str:
        """The name of its folder, unique in a run."""
        return cell_name(self.framework, self.method, self.track, self.repeat, twin=self.twin)


def cell_name(framework: str, method: str, track: str, repeat: int, *, twin: bool) -> str:
    """What a cell is called."""
    return f"{framework}{'-twin' if twin else ''}-{method}-{track}-{repeat:02d}"


def entries(experiment: Experiment) -> tuple[Entry, ...]:
    """Everything that is compared, a section's entries together."""
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
    """All cells that may run, in their order; the seed decides it, so a resumed run keeps it.

    With `until`, rounds after the first `repeats` are run only by whom they are needed; see harness.analysis.adaptive.
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
