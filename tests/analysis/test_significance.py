"""Words for ratios: by tests that scipy knows too, held together over a family."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis import significance
from harness.analysis.estimates import Rounds, median_estimate
from harness.analysis.significance import Comparison, compare_apart, holm
from harness.job.experiment import SMALLEST_EFFECT
from tests.analysis.test_estimates import RATE, rounds


def compare(family: dict[str, Rounds], baseline: Rounds) -> dict[str, Comparison]:
    return significance.compare(family, baseline, SMALLEST_EFFECT)


def test_what_is_a_difference_is_for_the_user_to_say() -> None:
    ours, baseline = rounds(*(1.03 + 0.001 * n for n in range(5))), rounds(*(1 + 0.001 * n for n in range(5)))
    assert significance.compare({"a": ours}, baseline, 0.02)["a"].word == "more"
    assert significance.compare({"a": ours}, baseline, 0.05)["a"].word == "equivalent"


def test_one_process_gets_no_interval_and_no_verdict() -> None:
    only = median_estimate([5.0])
    assert (only.value, only.low, only.high, only.n) == (5.0, None, None, 1)
    (only_pair,) = compare({"a": rounds(2.0)}, rounds(1.0)).values()
    assert (only_pair.word, only_pair.p_value, only_pair.ratio.low) == ("too few processes", None, None)


def test_three_processes_are_enough_where_figures_hardly_vary_and_two_never_are() -> None:
    memory = rounds(1.5e9, 1.501e9, 1.4995e9)
    less = {number: 0.8 * value * (1 + 1e-4 * number) for number, value in memory.items()}
    assert compare({"a": less}, memory)["a"].word == "less"
    two = {number: value for number, value in less.items() if number <= 2}
    assert compare({"a": two}, memory)["a"].word == "too few processes"


def test_memory_that_is_the_same_to_the_byte_is_a_difference_or_none() -> None:
    assert compare({"a": rounds(5.0, 5.0, 5.0)}, rounds(4.0, 4.0, 4.0))["a"].word == "more"
    assert compare({"a": rounds(4.0, 4.0, 4.0)}, rounds(4.0, 4.0, 4.0))["a"].word == "equivalent"


def test_what_a_round_does_to_both_sides_cancels() -> None:
    baseline = rounds(100.0, 60.0, 140.0, 80.0, 120.0)
    ours = {
        number: value * factor
        for (number, value), factor in zip(baseline.items(), (1.05, 1.06, 1.04, 1.05, 1.05), strict=True)
    }
    assert compare({"a": ours}, baseline)["a"].word == "more"
    assert compare_apart({"a": ([*ours.values()], [*baseline.values()])}, 0.02)["a"].word == ("no difference shown")


def test_a_member_with_too_few_processes_costs_the_others_nothing() -> None:
    baseline = rounds(1.0, 1.01, 0.99, 1.0, 1.01)
    ours = rounds(1.1, 1.13, 1.09, 1.1, 1.11)
    alone = compare({"a": ours}, baseline)["a"].p_value
    assert compare({"a": ours, "b": rounds(1.0, 2.0)}, baseline)["a"].p_value == alone


@settings(deadline=None)
@given(st.lists(st.tuples(RATE, RATE), min_size=3, max_size=9), st.floats(0.001, 0.5))
def test_a_word_and_its_interval_never_disagree(pairs: list[tuple[float, float]], smallest_effect: float) -> None:
    ours, theirs = zip(*pairs, strict=True)
    for only in (
        significance.compare({"a": rounds(*ours)}, rounds(*theirs), smallest_effect)["a"],
        compare_apart({"a": (ours, theirs)}, smallest_effect)["a"],
    ):
        assert only.ratio.low is not None and only.ratio.high is not None
        assert only.ratio.low <= only.ratio.value <= only.ratio.high
        if only.word == "more":
            assert only.ratio.low > 1
        if only.word == "less":
            assert only.ratio.high < 1


@pytest.mark.parametrize("n", [3, 5, 9])
def test_the_tests_are_those_of_scipy(n: int) -> None:
    rng = np.random.default_rng(n)
    ours, theirs = np.exp(rng.normal(0.02, 0.1, n)), np.exp(rng.normal(0.0, 0.02, n))
    paired = significance.compare({"a": rounds(*ours)}, rounds(*theirs), 0.02)["a"]
    assert paired.p_value == pytest.approx(scipy.stats.ttest_rel(np.log(ours), np.log(theirs)).pvalue)
    apart = compare_apart({"a": ([*ours], [*theirs])}, 0.02)["a"]
    welch = scipy.stats.ttest_ind(np.log(ours), np.log(theirs), equal_var=False)
    assert apart.p_value == pytest.approx(welch.pvalue)
    assert apart.ratio.low == pytest.approx(math.exp(welch.confidence_interval(0.95).low))


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


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), min_size=1, max_size=6))
def test_holm_never_lowers_a_p_value_and_keeps_the_order(p_values: dict[str, float]) -> None:
    adjusted = holm(p_values)
    assert all(p_values[name] <= adjusted[name] <= 1 for name in p_values)
    names = sorted(p_values, key=lambda name: p_values[name])
    assert [adjusted[name] for name in names] == sorted(adjusted.values())


def test_a_member_without_a_common_round_is_left_out() -> None:
    assert compare({"a": rounds(60.0, first=9)}, rounds(100.0, 90.0)) == {}
