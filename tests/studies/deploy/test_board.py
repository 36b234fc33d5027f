"""A projection applies the share of bandwidth that was reached here to the board, and says how wrong it is here."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.studies.deploy.board import boards, bytes_read_per_token, fits, projected
from tests.studies.deploy.records import BANDWIDTHS, file_of, record_of

(PI,) = boards()


def test_a_machine_with_the_boards_bandwidth_is_projected_as_it_was_measured() -> None:
    record, file = record_of(), file_of("q4_k_m")
    found = projected(record, file, {1: 1.0, 2: PI.read_bytes_per_second}, PI)
    assert found is not None
    assert math.isclose(found.tokens_per_second.value, 31.0)


@given(rate=st.floats(min_value=0.1, max_value=1e4), bandwidth=st.floats(min_value=1e9, max_value=1e12))
def test_a_share_of_one_is_the_bound_of_facts(rate: float, bandwidth: float) -> None:
    record, file = record_of(), file_of("q8_0", (rate, rate, rate))
    found = projected(record, file, {2: bandwidth}, PI)
    assert found is not None
    assert math.isclose(found.bound, PI.read_bytes_per_second / bytes_read_per_token(record, file))
    assert math.isclose(found.tokens_per_second.value, found.share.value * found.bound, rel_tol=1e-9)
    assert found.error is None  # One thread's bandwidth is not known.


def test_the_bound_of_a_pi_is_that_of_the_facts() -> None:
    bound = PI.read_bytes_per_second / bytes_read_per_token(record_of(), file_of("q4_k_m"))
    # 43.5 on the weights alone, 33.4 with a cache of 1,024 tokens; the runs have 144.
    assert 33.4 < bound < 43.7


def test_the_method_says_how_far_it_is_off_here() -> None:
    found = projected(record_of(), file_of("q4_k_m"), BANDWIDTHS, PI)
    assert found is not None
    # One thread makes half the tokens of two, and two read 20/12 as fast.
    assert found.error == pytest.approx(0.5 * 20 / 12 - 1)


def test_a_file_without_runs_or_a_machine_without_bandwidth_is_not_projected() -> None:
    assert projected(record_of(), file_of("f16", ()), BANDWIDTHS, PI) is None
    assert projected(record_of(), file_of("f16"), {}, PI) is None


def test_a_context_fits_if_the_system_keeps_its_share() -> None:
    file = file_of("q4_k_m")
    tight = PI.model_copy(update={"memory_bytes": 4_500_000_000 + PI.reserved_bytes})
    assert fits(file, 32768, tight)
    assert not fits(file, 32768, tight.model_copy(update={"memory_bytes": tight.memory_bytes - 1}))
    assert fits(file, 4096, PI) is None
