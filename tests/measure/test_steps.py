from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.execute.events import Event, Started, StepEnds, StepLogged, TrainingBegins
from harness.job.experiment import Enough
from harness.job.job import Job
from harness.job.recipe import Choices, resolve
from harness.measure.steps import median_steady_seconds, steps_of, why_invalid

JOB: Job = resolve(Choices(profile="cpu"), gpu_present=False).jobs["lora"]


def events_of(durations: list[float], losses: list[float] | None = None) -> list[Event]:
    """What a worker tells of steps that take so long."""
    now = 100.0
    events: list[Event] = [TrainingBegins(time=now, cpu_seconds=5.0)]
    for number, duration in enumerate(durations, start=1):
        now += duration
        loss = 12.0 - number / 100 if losses is None else losses[number - 1]
        events.append(StepEnds(step=number, time=now, cpu_seconds=5.0 + 2 * (now - 100.0)))
        # on_log comes after the end of its step.
        events.append(StepLogged(step=number, loss=loss, grad_norm=1.0, learning_rate=1e-4))
    return events


@given(st.lists(st.floats(0.001, 1000.0), min_size=1, max_size=50))
def test_step_times_are_differences_of_successive_ends(durations: list[float]) -> None:
    job = dataclasses.replace(JOB, max_steps=len(durations), warmup_steps=0)
    steps = steps_of(events_of(durations), job)
    assert [step.seconds for step in steps] == pytest.approx(durations, rel=1e-6, abs=1e-9)
    assert steps[-1].end_seconds == pytest.approx(sum(durations))
    assert [step.cpu_seconds for step in steps] == pytest.approx([2 * d for d in durations], rel=1e-6, abs=1e-9)
    assert why_invalid(steps, {}, job) == ""
    median = median_steady_seconds(steps)
    assert median is not None
    assert min(step.seconds for step in steps) <= median <= max(step.seconds for step in steps)


def test_a_cell_that_may_end_early_has_at_least_its_least_steps() -> None:
    job, enough = dataclasses.replace(JOB, max_steps=9), Enough(least_steps=4, least_steady_seconds=1.0)
    for count, why in ((3, "3 optimizer steps were seen, 4 to 9 were due"), (4, ""), (9, "")):
        assert why_invalid(steps_of(events_of([1.0] * count), job), {}, job, enough) == why


def test_the_warm_up_is_kept_and_left_out_of_the_median() -> None:
    job = dataclasses.replace(JOB, max_steps=5, warmup_steps=2)
    steps = steps_of(events_of([50.0, 9.0, 1.0, 2.0, 3.0]), job)
    assert [step.warmup for step in steps] == [True, True, False, False, False]
    assert median_steady_seconds(steps) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("durations", "losses", "facts", "words"),
    [
        ([1.0] * 4, [3.0, 2.0, 1.0, 0.5], {}, "4 optimizer steps were seen, the job has 5"),
        ([1.0] * 5, [3.0, 2.0, float("nan"), 1.0, 0.5], {}, "the loss of step 3 is nan"),
        ([1.0] * 5, [3.0, 2.0, float("inf"), 1.0, 0.5], {}, "the loss of step 3 is inf"),
        ([1.0, 1.0, 0.0, 1.0, 1.0], [5.0, 4.0, 3.0, 2.0, 1.0], {}, "step 3 took 0.0 s"),
        ([1.0, 1.0, -1.0, 1.0, 1.0], [5.0, 4.0, 3.0, 2.0, 1.0], {}, "step 3 took -1.0 s"),
        ([1.0] * 5, [2.0] * 5, {}, "the loss is 2.0 at every step"),
        ([1.0] * 5, [5.0, 4.0, 3.0, 2.0, 1.0], {"trainable_parameters": 7}, "7 parameters were trainable"),
        ([1.0] * 5, [5.0, 4.0, 3.0, 2.0, 1.0], {"attention": "eager"}, "its attention was eager"),
        ([1.0] * 5, [5.0, 4.0, 3.0, 2.0, 1.0], {"optimizer": "torch.optim.AdamW"}, "its optimizer was"),
    ],
)
def test_what_is_no_measurement_is_invalid(
    durations: list[float], losses: list[float], facts: dict[str, Any], words: str
) -> None:
    job = dataclasses.replace(JOB, max_steps=5, warmup_steps=1)
    assert words in why_invalid(steps_of(events_of(durations, losses), job), facts, job)


def test_a_step_without_a_loss_is_invalid() -> None:
    job = dataclasses.replace(JOB, max_steps=2, warmup_steps=1)
    events = [event for event in events_of([1.0, 1.0]) if not isinstance(event, StepLogged) or event.step == 1]
    assert "no loss was logged for step 2" in why_invalid(steps_of(events, job), {}, job)


def test_a_process_that_never_trained_has_no_steps() -> None:
    assert steps_of([Started(time=1.0, pid=1, start="warm")], JOB) == ()
    assert "0 optimizer steps" in why_invalid((), {}, JOB)
