"""The command that a report tells asks for the experiment that the report is of."""

from __future__ import annotations

import dataclasses
import shlex
from typing import Any

import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli.app import app
from harness.cli.commands.run import needed_by
from harness.cli.reproduce import Asked, StartOption
from harness.errors import RecipeError
from harness.job.frameworks import FRAMEWORKS
from harness.job.job import METHODS
from harness.job.recipe import Choices, resolve

RUN: Any = vars(typer.main.get_command(app))["commands"]["run"]
some = st.sampled_from
CHOICES = st.builds(
    Choices,
    profile=some(["cpu", "gpu", "gpu-80gb"]),
    frameworks=st.lists(some(FRAMEWORKS), min_size=1, unique=True).map(",".join) | st.just("all"),
    methods=st.none() | st.lists(some(METHODS), min_size=1, unique=True).map(",".join),
    track=some(["parity", "tuned", "all"]),
    repeats=st.none() | st.integers(1, 9),
    seed=st.none() | st.integers(0, 99),
    settings=st.lists(
        some(["max_steps=9", "lora_rank=4", "learning_rate=1e-3", "target_modules=q_proj,v_proj"]), unique=True
    ).map(tuple),
    timeout_seconds=st.none() | some([60.0, 1.5]),
    silence_seconds=st.none() | some([60.0]),
    until=st.none() | some(["2%", "0.05"]),
    smallest_effect=st.none() | some(["5%"]),
)


def asked_again(command: str) -> Asked:
    """What a recorded command asks for, as the command line reads it."""
    threads, *words = shlex.split(command)
    assert threads.startswith("OMP_NUM_THREADS=")
    assert words[:4] == ["python", "-m", "harness", "run"]
    return Asked.from_options(RUN.make_context("run", words[4:]).params)


@settings(deadline=None, max_examples=40)
@given(
    choices=CHOICES,
    start=some(list(StartOption)),
    flags=st.fixed_dictionaries({name: st.booleans() for name in ("audit", "allow_busy", "stand_ins")}),
)
def test_a_recorded_command_asks_for_the_same_experiment(
    choices: Choices, start: StartOption, flags: dict[str, Any]
) -> None:
    asked = Asked(choices=choices, start=start, **flags)
    again = asked_again(asked.command(2))
    assert again == asked
    try:
        experiment = resolve(choices, gpu_present=True)
    except RecipeError:
        return
    assert resolve(again.choices, gpu_present=True) == experiment


def test_a_claim_with_a_setting_is_asked_for_again_with_its_tuning() -> None:
    """A2 is of one framework with and without something: its cells come of a tuning that no option says."""
    typed = Choices(settings=("max_steps=7",))
    again = asked_again(Asked(choices=typed, profile="gpu", claim="A2").command(2))
    assert again.claim == "A2"
    made = needed_by("A2", dataclasses.replace(typed, profile="gpu"), resume=False)
    assert made.tuned
    asked = needed_by(str(again.claim), again.choices, resume=False)
    assert resolve(asked, gpu_present=True) == resolve(made, gpu_present=True)
