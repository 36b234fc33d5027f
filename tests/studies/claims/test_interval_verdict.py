from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.estimates import Estimate
from harness.studies.claims.interval_verdict import repeats_to_settle, verdict_of
from harness.studies.claims.metric_ranges import Bounds


@given(
    low=st.floats(0.01, 10), width=st.floats(1, 3), bound=st.floats(0.1, 10), span=st.floats(1, 5), n=st.integers(2, 30)
)
def test_confirmed_means_inside_and_refuted_means_outside(
    low: float, width: float, bound: float, span: float, n: int
) -> None:
    bounds = Bounds(low=bound, high=bound * span)
    measured = Estimate(value=low * math.sqrt(width), low=low, high=low * width, n=n)
    verdict = verdict_of(measured, bounds)
    inside = [bounds.low <= figure <= bounds.high for figure in (measured.low or 0, measured.high or 0)]
    if verdict == "confirmed":
        assert all(inside)
    elif verdict == "refuted":
        assert not any(inside)
        assert measured.high is not None
        assert measured.low is not None
        assert measured.high < bounds.low or measured.low > bounds.high
    else:
        assert not all(inside)
        settled = repeats_to_settle(measured, bounds)
        assert settled is None or settled >= n


def test_a_figure_on_the_bound_is_settled_by_no_number_of_repeats() -> None:
    assert repeats_to_settle(Estimate(value=2.0, low=1.9, high=2.1, n=5), Bounds(low=2, high=math.inf)) is None
    assert repeats_to_settle(Estimate(value=2.1, low=1.9, high=2.32, n=5), Bounds(low=2, high=math.inf)) == 22
