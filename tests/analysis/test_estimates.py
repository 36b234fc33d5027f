"""Medians and ratios with their intervals."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.estimates import Rounds, median_estimate, ratio_estimate

RATE = st.floats(1e-3, 1e6)
RATES = st.lists(RATE, min_size=2, max_size=9)
PAIRS = st.lists(st.tuples(RATE, RATE), min_size=2, max_size=9)


def rounds(*values: float, first: int = 1) -> Rounds:
    return dict(enumerate(values, start=first))


@settings(deadline=None)
@given(RATES)
def test_an_interval_contains_its_median(values: list[float]) -> None:
    estimate = median_estimate(values)
    assert estimate.low is not None and estimate.high is not None
    assert estimate.low <= estimate.value <= estimate.high
    assert estimate.value == float(np.median(values))


@settings(deadline=None)
@given(PAIRS, st.floats(0.01, 100.0))
def test_a_ratio_does_not_depend_on_the_unit(pairs: list[tuple[float, float]], factor: float) -> None:
    ours, theirs = zip(*pairs, strict=True)
    plain = ratio_estimate(rounds(*ours), rounds(*theirs))
    scaled = ratio_estimate(rounds(*(factor * value for value in ours)), rounds(*(factor * value for value in theirs)))
    assert plain is not None and scaled is not None
    assert scaled.value == pytest.approx(plain.value, rel=1e-9)
    assert scaled.low == pytest.approx(plain.low, rel=1e-6)
    assert scaled.high == pytest.approx(plain.high, rel=1e-6)


def test_the_same_values_give_the_same_interval_in_another_process() -> None:
    values = [1.0, 1.1, 1.05, 0.98, 1.2]
    here = median_estimate(values)
    code = f"from harness.analysis.estimates import *; e = median_estimate({values}); print(e.value, e.low, e.high)"
    command = [sys.executable, "-c", code]
    there = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True
    )
    assert there.stdout.split() == [str(here.value), str(here.low), str(here.high)]


def test_a_ratio_is_over_the_rounds_that_both_sides_have() -> None:
    slowing = rounds(100.0, 90.0, 80.0, 70.0, 60.0, 50.0)
    ratio = ratio_estimate(rounds(100.0, 90.0, 80.0), slowing)
    assert ratio is not None
    assert ratio.value == pytest.approx(1.0)
    assert ratio.n == 3
    assert ratio_estimate(rounds(60.0, first=9), slowing) is None
