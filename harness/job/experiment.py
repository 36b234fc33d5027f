"""What one run compares: which frameworks train which jobs, how often, and how each tunes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

from harness.job.job import Job, Method

Track = Literal["parity", "tuned"]
TRACKS: tuple[Track, ...] = get_args(Track)
"""parity: every framework does the same work, with equal knobs. tuned: the same job, as each framework's documentation
advises.

No ratio mixes the two.
"""

MOST_REPEATS = 30
"""Rounds of an adaptive run, without --max-repeats."""


def section(method: str, track: str) -> str:
    """Return the name of what is compared together: "lora" in the parity track, "lora, tuned" in the other."""
    return method if track == "parity" else f"{method}, {track}"


class Sectioned(Protocol):
    """A cell's record or an audit's verdict: both belong to a section."""

    @property
    def method(self) -> Method:
        """lora, qlora or full."""

    @property
    def track(self) -> Track:
        """parity or tuned."""


def section_of(record: Sectioned) -> str:
    """Return the section of a cell's record or of an audit's verdict."""
    return section(record.method, record.track)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """How one framework trains one job in the tuned track."""

    job: Job
    """The same model, data, method and tokens per step; other knobs (job.tuned.Knobs) as the framework advises."""
    native: Mapping[str, Any]
    """Options that deep_merge puts into the framework's config."""
    advice: tuple[str, ...]
    """The advice that was followed, with sources, in words."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `from_dict` reads them."""
        return {"job": self.job.as_dict(), "native": dict(self.native), "advice": list(self.advice)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Tuning:
        """Return the tuning that `as_dict` wrote."""
        return cls(job=Job.from_dict(values["job"]), native=values["native"], advice=tuple(values["advice"]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Enough:
    """When a timed cell has been measured long enough, and ends before the job's `max_steps`."""

    least_steps: int
    """Optimizer steps that every cell trains, warm-up included. Losses are compared after so many steps."""
    least_steady_seconds: float
    """Seconds by the host's clock, in the steps after the job's warm-up."""


SMALLEST_EFFECT = 0.02
"""The smallest difference that matters, without --smallest-effect."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """What one run compares."""

    recipe: str
    profile: str
    device: Literal["cpu", "cuda"]
    frameworks: tuple[str, ...]
    jobs: Mapping[Method, Job]
    """The job per method, in the order of the report."""
    repeats: int
    seed: int
    """Seed of the order of the cells. The jobs have it too."""
    timeout_seconds: float
    """Longest time of a cell. A longer one is killed."""
    silence_seconds: float
    """Longest silence of a cell. One that sends no event for so long is killed."""
    tracks: tuple[Track, ...] = ("parity",)
    tunings: Mapping[str, Mapping[Method, Tuning]] = dataclasses.field(default_factory=dict)
    """By method and name, the tunings of the tuned track: of the frameworks, and of the ceiling if it is measured."""
    aa: bool = False
    """True if the baseline runs twice in each round."""
    until: float | None = None
    """Rounds go on until every ratio's interval is narrower than this share of the ratio."""
    max_repeats: int | None = None
    smallest_effect: float = SMALLEST_EFFECT
    """A difference below this share does not matter."""
    enough: Enough | None = None
    """When a cell may end early; None if every cell trains all of the job's steps."""

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections in the order of the report."""
        return tuple(section(method, track) for track in self.tracks for method in self.jobs)

    @property
    def most_repeats(self) -> int:
        """Largest number of rounds."""
        return self.repeats if self.until is None else max(self.repeats, self.max_repeats or MOST_REPEATS)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `from_dict` reads them."""
        return {
            **{field.name: getattr(self, field.name) for field in dataclasses.fields(self)},
            "frameworks": list(self.frameworks),
            "jobs": {method: job.as_dict() for method, job in self.jobs.items()},
            "tracks": list(self.tracks),
            "enough": None if self.enough is None else dataclasses.asdict(self.enough),
            "tunings": {
                framework: {method: tuning.as_dict() for method, tuning in tunings.items()}
                for framework, tunings in self.tunings.items()
            },
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Experiment:
        """Return the experiment that `as_dict` wrote. One from before the tuned track has only the parity track."""
        enough = values.get("enough")
        tunings = {
            framework: {method: Tuning.from_dict(tuning) for method, tuning in found.items()}
            for framework, found in values.get("tunings", {}).items()
        }
        return cls(
            **{
                **values,
                "frameworks": tuple(values["frameworks"]),
                "jobs": {method: Job.from_dict(job) for method, job in values["jobs"].items()},
                "tracks": tuple(values.get("tracks", ("parity",))),
                "tunings": tunings,
                "enough": None if enough is None else Enough(**enough),
            }
        )
