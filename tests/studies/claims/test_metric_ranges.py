from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.studies.claims.metric_ranges import MEANINGS


@pytest.mark.parametrize(
    ("metric", "figure", "ratio"),
    [
        ("times_faster", 1.24, 1.24),
        ("percent_faster", 24, 1.24),
        ("percent_less_time", 19.354838709677, 1.24),
        ("percent_less_time", 50, 2),
        ("percent_less_memory", 80, 0.2),
        ("percent_more_memory", 25, 1.25),
        ("peak_memory_gib", 2, 2 * 2**30),
        ("fits_gb", 16, 16e9),
    ],
)
def test_a_claimed_figure_becomes_the_quantity_that_results_have(metric: str, figure: float, ratio: float) -> None:
    assert MEANINGS[metric].convert(figure) == pytest.approx(ratio)  # type: ignore[index]


@given(st.floats(0.01, 98))
def test_faster_and_less_time_are_never_the_same_figure_and_convert_into_each_other(percent_less_time: float) -> None:
    ratio = MEANINGS["percent_less_time"].convert(percent_less_time)
    percent_faster = (ratio - 1) * 100
    assert percent_faster >= percent_less_time
    assert MEANINGS["percent_faster"].convert(percent_faster) == pytest.approx(ratio)


def test_less_memory_turns_the_range_round() -> None:
    bounds = MEANINGS["percent_less_memory"].bounds(at_least=80, at_most=None)
    assert [bounds.low, bounds.high] == pytest.approx([0, 0.2])
    between = MEANINGS["percent_less_memory"].bounds(at_least=40, at_most=60)
    assert [between.low, between.high] == pytest.approx([0.4, 0.6])
    faster = MEANINGS["times_faster"].bounds(at_least=2, at_most=None)
    assert (faster.low, faster.high) == (2, float("inf"))
