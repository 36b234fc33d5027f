from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from harness.measure.warmup import warmup_steps

STEADY = [1.00, 1.02, 0.99, 1.01, 1.00, 0.98, 1.01, 1.00]


def test_steady_steps_have_only_the_warm_up_that_was_asked_for() -> None:
    assert warmup_steps(STEADY, 0) == 0
    assert warmup_steps(STEADY, 1) == 1


def test_slow_first_steps_are_found() -> None:
    assert warmup_steps([9.0, *STEADY], 0) == 1
    assert warmup_steps([9.0, 1.6, 1.5, *STEADY], 0) == 3


def test_a_slow_step_in_the_middle_is_no_warm_up() -> None:
    assert warmup_steps([*STEADY[:5], 3.0, *STEADY[5:]], 1) == 1


def test_a_faster_beginning_is_no_warm_up() -> None:
    assert warmup_steps([0.5, 0.5, 0.5, *STEADY], 1) == 1


def test_at_most_half_of_the_steps_are_warm_up() -> None:
    assert warmup_steps([5.0] * 7 + [1.0] * 3, 1) <= 5


def test_few_steps_are_never_all_warm_up() -> None:
    for count in (1, 2, 3):
        assert warmup_steps([2.0, 1.0, 1.0][:count], 0) <= count // 2


def test_steps_that_only_vary_are_rarely_taken_for_warm_up() -> None:
    rng = random.Random(1)
    found = sum(warmup_steps([rng.lognormvariate(0, 0.03) for _ in range(25)], 1) > 1 for _ in range(1000))
    assert found <= 20


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=40), st.integers(0, 5))
def test_the_warm_up_is_within_its_bounds_for_any_durations(seconds: list[float], at_least: int) -> None:
    found = warmup_steps(seconds, at_least)
    assert min(at_least, len(seconds)) <= found <= max(min(at_least, len(seconds)), len(seconds) // 2)
