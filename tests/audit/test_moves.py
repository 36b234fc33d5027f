"""How far a tensor may move: whatever an honest way of rounding does is allowed, and a tensor that should move must."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.audit.moves import MoveRange, exact_moves, rounded_moves
from harness.audit.trace import Trace
from harness.audit.training_behaviour import moved, updates

DISTANCE = st.floats(1e-6, 10.0)
COUNT = st.integers(0, 10_000)
NAME = "model.norm.weight"


def trace(*tensors: tuple[str, float, int, int]) -> Trace:
    """What a process saw of tensors: name, distance, how many numbers moved, how many of them visibly in bf16."""
    return Trace.model_validate_json(
        json.dumps(
            {
                "micro_batches": [],
                "steps": [],
                "tensors": [tensor(*values) for values in tensors],
                "operators": None,
                "went_on": False,
                "lora_layers": [],
                "compiled": False,
                "world_size": 1,
                "initial_seed": 0,
            }
        )
    )


def tensor(name: str, distance: float, count: int, visible: int) -> dict[str, Any]:
    return {
        "name": name,
        "shape": [10_000],
        "storage": "bfloat16",
        "trainable": True,
        "values": [1.0, 0.0],
        "change_norm": distance,
        "moved": count,
        "moved_in_bf16": visible,
    }


def test_a_single_number_that_just_makes_the_step_calls_nobody_another_job() -> None:
    """As on an H100: in the reference one number of a norm moved, in plain transformers none did."""
    ways = [trace((NAME, 0.000244, 1, 1)), trace((NAME, 0.0124, 128, 16))]
    moves = rounded_moves(ways)
    for seen in (trace((NAME, 0.0, 0, 0)), *ways):
        assert moved(seen, moves).result == "same"
        assert updates(seen, moves).result == "same"


def test_a_matrix_that_moves_in_both_ways_must_move_about_as_far() -> None:
    moves = rounded_moves([trace((NAME, 0.135, 15_000, 15_000)), trace((NAME, 0.137, 16_384, 16_000))])
    assert updates(trace((NAME, 0.131, 15_000, 15_000)), moves).result == "same"
    still = trace((NAME, 0.0, 0, 0))
    assert moved(still, moves).result == "differs"
    assert NAME in moved(still, moves).got
    for distance in (0.0135, 0.1, 0.2):
        assert updates(trace((NAME, distance, 16_000, 16_000)), moves).result == "differs"


@given(DISTANCE, COUNT, DISTANCE, COUNT)
def test_each_way_of_the_reference_itself_is_allowed(first: float, few: int, second: float, many: int) -> None:
    ways = [trace((NAME, first, few, few)), trace((NAME, second, many, many))]
    moves = rounded_moves(ways)
    for way in ways:
        assert updates(way, moves).result == "same"
        assert moved(way, moves).result == "same" or not (way.trained[0].change_norm or 0.0)


@given(DISTANCE, st.integers(10, 10_000))
def test_in_fp32_a_distance_is_held_closely_and_no_tensor_may_stand_still(distance: float, count: int) -> None:
    moves = exact_moves(trace((NAME, distance, count, count)), 5e-4)
    assert moves[NAME].holds(distance * (1 + 4e-4))
    assert not moves[NAME].holds(distance * (1 + 6e-4))
    assert not moves[NAME].holds(distance * (1 - 6e-4))
    assert moved(trace((NAME, 0.0, 0, 0)), moves).result == "differs"


def test_a_tensor_that_the_reference_does_not_move_is_not_asked_to() -> None:
    moves = exact_moves(trace((NAME, 0.0, 0, 0)), 5e-4)
    assert moves[NAME] == MoveRange(least=0.0, most=0.0)
    assert moved(trace((NAME, 0.0, 0, 0)), moves).result == "same"


def test_a_trace_without_the_reference_s_tensors_is_no_proof() -> None:
    moves = exact_moves(trace((NAME, 1.0, 100, 100)), 5e-4)
    assert updates(trace(("another", 1.0, 100, 100)), moves).result == "differs"
