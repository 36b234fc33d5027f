"""A cell's events -> its optimizer steps and its figures, or the reason why there are none."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness.execute.events import DeviceTimes, Event, StepEnds, StepLogged, TrainingBegins, first_of
from harness.job.experiment import Enough
from harness.job.job import Job
from harness.measure.warmup import warmup_steps


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One optimizer step of one process."""

    step: int
    """Counted from 1."""
    end_seconds: float
    """Seconds since training began."""
    seconds: float
    """Seconds since the end of the step before; for the first step, since training began."""
    cpu_seconds: float
    """CPU time of the process, all threads, over the same span."""
    loss: float | None
    grad_norm: float | None
    learning_rate: float | None
    warmup: bool
    """True if it is recorded but left out of the steady figures."""


def steps_of(events: Iterable[Event], job: Job) -> tuple[Step, ...]:
    """Return the steps in the events, in order; empty if training never began.

    Their times are the device's if it stamped every step, else the host's.
    """
    heard = list(events)
    begun = first_of(TrainingBegins, heard)
    if begun is None:
        return ()
    logged = {event.step: event for event in heard if isinstance(event, StepLogged)}
    ends = [event for event in heard if isinstance(event, StepEnds)]
    times = [event.time - begun.time for event in ends]
    stamped = first_of(DeviceTimes, heard)
    if stamped is not None and len(stamped.seconds) == len(ends):
        times = list(stamped.seconds)
    durations = [later - earlier for earlier, later in pairwise((0.0, *times))]
    # A clock that stood still makes the cell invalid. No warm-up can be found in it.
    sound = all(duration > 0 for duration in durations)
    warmup = warmup_steps(durations, job.warmup_steps) if sound else job.warmup_steps
    steps = []
    cpu_before = begun.cpu_seconds
    for end, end_seconds, seconds in zip(ends, times, durations, strict=True):
        log = logged.get(end.step)
        steps.append(
            Step(
                step=end.step,
                end_seconds=end_seconds,
                seconds=seconds,
                cpu_seconds=end.cpu_seconds - cpu_before,
                loss=None if log is None else log.loss,
                grad_norm=None if log is None else log.grad_norm,
                learning_rate=None if log is None else log.learning_rate,
                warmup=end.step <= warmup,
            )
        )
        cpu_before = end.cpu_seconds
    return tuple(steps)


def median_steady_seconds(steps: Iterable[Step]) -> float | None:
    """Return the median seconds of the steps after the warm-up; None if there are none."""
    steady = [step.seconds for step in steps if not step.warmup]
    return statistics.median(steady) if steady else None


def why_steps_invalid(
    numbers: Sequence[int],
    seconds: Sequence[float],
    losses: Sequence[float | None],
    job: Job,
    enough: Enough | None,
) -> str:
    """Return why the steps, by column, are not all that a cell had to train; empty if they are."""
    if enough is None and len(numbers) != job.max_steps:
        return f"{len(numbers)} optimizer steps were seen, the job has {job.max_steps}"
    if enough is not None and not enough.least_steps <= len(numbers) <= job.max_steps:
        return f"{len(numbers)} optimizer steps were seen, {enough.least_steps} to {job.max_steps} were due"
    if list(numbers) != list(range(1, len(numbers) + 1)):
        return "the steps are not counted from 1 without a gap"
    for step, loss in enumerate(losses, start=1):
        if loss is None:
            return f"no loss was logged for step {step}"
        if not math.isfinite(loss):
            return f"the loss of step {step} is {loss}"
    for step, took in enumerate(seconds, start=1):
        if not took > 0:
            return f"step {step} took {took} s"
    if len(losses) > 1 and len(set(losses)) == 1:
        return f"the loss is {losses[0]} at every step"
    return ""


def why_invalid(steps: tuple[Step, ...], facts: Mapping[str, Any], job: Job, enough: Enough | None = None) -> str:
    """Return why a cell that ended well still has no valid figures; empty if it has."""
    numbers, seconds, losses = ([getattr(step, name) for step in steps] for name in ("step", "seconds", "loss"))
    if why := why_steps_invalid(numbers, seconds, losses, job, enough):
        return why
    attention, optimizer = facts.get("attention"), facts.get("optimizer")
    if attention is not None and attention != job.attention:
        return f"its attention was {attention}, the job says {job.attention}"
    if optimizer is not None and ("fused" in optimizer) != (job.optimizer == "adamw_torch_fused"):
        return f"its optimizer was {optimizer}, the job says {job.optimizer}"
    trained = facts.get("trainable_parameters")
    if trained is not None and trained != job.trainable_parameters:
        return f"{trained:,} parameters were trainable, the job trains {job.trainable_parameters:,}"
    return ""
