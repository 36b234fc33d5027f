"""How to run an experiment, and the inputs that all frameworks share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.errors import ModelError
from harness.execute.watch_cell import Limits
from harness.execute.worker_process import Start
from harness.job.experiment import Experiment
from harness.job.inputs import Inputs
from harness.job.job import Method
from harness.prepare import prepare
from harness.run.observer import Observer


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSettings:
    """How to run the experiment."""

    cache: Path
    torch_backend: str = "auto"
    start: Start = "warm"
    resume: bool = False
    audit: bool = True
    allow_busy: bool = False
    """True to measure on a GPU that others use."""
    command: str = ""
    """The command that asks for the same experiment."""
    stand_ins: bool = True
    """True if seeded weights and another text may stand in for what a hub that does not answer would provide."""
    seconds: float | None = None
    """Seconds in which the run must end. What would not end in time does not begin."""


def limits_of(experiment: Experiment) -> Limits:
    """Return when a process of the experiment is killed."""
    return Limits(timeout_seconds=experiment.timeout_seconds, silence_seconds=experiment.silence_seconds)


def prepared(experiment: Experiment, settings: RunSettings, observer: Observer) -> dict[Method, Inputs]:
    """Return the inputs that all frameworks share. Warns of a stand-in, or raises ModelError if none may be used."""
    observer.stage("Preparing model, tokenizer and token blocks")
    inputs = {method: prepare(job, settings.cache) for method, job in experiment.jobs.items()}
    stand_ins = list(dict.fromkeys(stand_in for inputs_of in inputs.values() for stand_in in inputs_of.stand_ins))
    if stand_ins and not settings.stand_ins:
        named = " and ".join(stand_ins)
        raise ModelError(
            f"--no-stand-ins: there would be {named}; give what you have by --set model=PATH and --dataset"
        )
    for stand_in in stand_ins:
        observer.warning(f"A stand-in is trained: {stand_in}. --no-stand-ins refuses that.")
    return inputs
