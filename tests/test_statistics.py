from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import statistics
from harness.experiment import SMALLEST_EFFECT
from harness.statistics import Comparison, Rounds, holm, median_estimate, ratio_estimate, verdict_is_reachable

RATE = st.floats(1e-3, 1e6)
RATES = st.lists(RATE, min_size=2, max_size=9)
PAIRS = st.lists(st.tuples(RATE, RATE), min_size=2, max_size=9)


def rounds(*values: float, first: int = 1) -> Rounds:
    return dict(enumerate(values, start=first))


def compare(family: dict[str, Rounds], baseline: Rounds) -> dict[str, Comparison]:
    return statistics.compare(family, baseline, SMALLEST_EFFECT)


def test_what_is_a_difference_is_for_the_user_to_say() -> None:
    ours, baseline = rounds(*(1.03 + 0.001 * n for n in range(5))), rounds(*(1 + 0.001 * n for n in range(5)))
    assert statistics.compare({"a": ours}, baseline, 0.02)["a"].word == "more"
    assert statistics.compare({"a": ours}, baseline, 0.05)["a"].word == "equivalent"


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
    scaled = ratio_estimate(rounds(*(factor * one for one in ours)), rounds(*(factor * one for one in theirs)))
    assert plain is not None and scaled is not None
    assert scaled.value == pytest.approx(plain.value, rel=1e-9)
    assert scaled.low == pytest.approx(plain.low, rel=1e-6)
    assert scaled.high == pytest.approx(plain.high, rel=1e-6)


def test_one_process_gets_no_interval_and_no_verdict() -> None:
    assert median_estimate([5.0]) == median_estimate([5.0])
    assert (median_estimate([5.0]).low, median_estimate([5.0]).high) == (None, None)
    (only,) = compare({"a": rounds(2.0)}, rounds(1.0)).values()
    assert (only.word, only.p_value, only.ratio.low) == ("too few processes", None, None)


def test_the_same_values_give_the_same_interval() -> None:
    values = [1.0, 1.1, 1.05, 0.98, 1.2]
    assert median_estimate(values) == median_estimate(list(values))


def test_a_verdict_can_be_reached_with_five_against_five_in_a_family_of_four() -> None:
    assert verdict_is_reachable(5, 5, 4)
    assert not verdict_is_reachable(4, 4, 4)
    assert not verdict_is_reachable(3, 3, 1)


def test_the_smallest_exact_p_at_five_against_five_is_two_of_252() -> None:
    (only,) = compare({"a": rounds(11.0, 12.0, 13.0, 14.0, 15.0)}, rounds(1.0, 2.0, 3.0, 4.0, 5.0)).values()
    assert only.p_value == pytest.approx(2 / math.comb(10, 5))
    assert only.word == "more"


def test_a_difference_that_does_not_matter_is_not_called_one() -> None:
    baseline = [100.0, 100.01, 100.02, 99.99, 99.98]
    (only,) = compare({"a": rounds(*(value * 1.01 for value in baseline))}, rounds(*baseline)).values()
    assert only.word == "equivalent"


def test_noise_as_large_as_the_difference_shows_no_difference() -> None:
    (only,) = compare({"a": rounds(80.0, 130.0, 100.0, 95.0, 125.0)}, rounds(100.0, 70.0, 120.0, 90.0, 110.0)).values()
    assert only.word == "no difference shown"


def test_less_is_the_mirror_of_more() -> None:
    slow, fast = rounds(1.0, 1.01, 1.02, 0.99, 0.98), rounds(2.0, 2.01, 2.02, 1.99, 1.98)
    assert compare({"a": slow}, fast)["a"].word == "less"
    assert compare({"a": fast}, slow)["a"].word == "more"


def test_holm_multiplies_the_smallest_by_the_size_of_the_family() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})


@settings(deadline=None, max_examples=60)
@given(
    ours=st.lists(st.integers(1, 12) | RATE, min_size=2, max_size=6),
    other=st.lists(st.integers(1, 12) | RATE, min_size=2, max_size=6),
)
def test_the_exact_p_is_that_of_scipy_with_and_without_equal_values(ours: list[float], other: list[float]) -> None:
    every = scipy.stats.PermutationMethod(n_resamples=10**6)
    due = scipy.stats.mannwhitneyu(ours, other, method=every).pvalue
    assert statistics.exact_p_value(ours, other) == pytest.approx(due)
    if len({*ours, *other}) == len(ours) + len(other):
        formula = scipy.stats.mannwhitneyu(ours, other, method="exact").pvalue
        assert statistics.exact_p_value(ours, other) == pytest.approx(formula)


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), min_size=1, max_size=6))
def test_holm_never_lowers_a_p_value_and_keeps_the_order(p_values: dict[str, float]) -> None:
    adjusted = holm(p_values)
    assert all(p_values[name] <= adjusted[name] <= 1 for name in p_values)
    names = sorted(p_values, key=lambda name: p_values[name])
    assert [adjusted[name] for name in names] == sorted(adjusted.values())


@pytest.mark.parametrize("n", [9, 12, 60, 2000])
def test_more_processes_than_can_be_enumerated_are_tested_all_the_same(n: int) -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rounds(*rng.normal(12, 0.1, n).tolist()), rounds(*rng.normal(10, 0.1, n).tolist())
    assert compare({"a": ours}, theirs)["a"].word == "more"


def test_a_ratio_is_over_the_rounds_that_both_sides_have() -> None:
    slowing = rounds(100.0, 90.0, 80.0, 70.0, 60.0, 50.0)
    ratio = ratio_estimate(rounds(100.0, 90.0, 80.0), slowing)
    assert ratio is not None
    assert (ratio.value, ratio.n) == (1.0, 3)
    assert ratio_estimate(rounds(60.0, first=9), slowing) is None
    assert compare({"a": rounds(60.0, first=9)}, slowing) == {}
