from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.job.plan import Cell, plan
from harness.job.recipe import Choices, resolve
from harness.machine.host import training_threads
from harness.records.cell_record import CellRecord
from harness.run.time_left import AFTER_THE_LAST_CELL_SECONDS, FIRST_GUESS_SECONDS, SPARE, seconds_for, within
from tests.records.some_records import some_cell

EXPERIMENT = resolve(Choices(profile="cpu", frameworks="transformers,unsloth", repeats=3), gpu_present=False)
CELLS = plan(EXPERIMENT)
ROUND = [cell for cell in CELLS if cell.repeat == 1]


def took(cell: Cell, seconds: float | None, start: str = "warm") -> CellRecord:
    return some_cell(
        framework=cell.framework,
        method=cell.method,
        track=cell.track,
        wall_seconds=seconds,
        start_seconds=11.0,
        start=start,
    )


def test_without_a_limit_everything_may_begin() -> None:
    assert within(None).allows(CELLS, [])


def test_a_round_begins_only_if_it_would_end() -> None:
    records = [took(cell, 10.0) for cell in ROUND]
    needed = SPARE * 10.0 * len(ROUND) + AFTER_THE_LAST_CELL_SECONDS
    assert within(needed + 1).allows(ROUND, records)
    assert not within(needed - 1).allows(ROUND, records)


def test_the_longest_that_a_framework_took_counts_and_the_median_for_one_that_has_not_run() -> None:
    first, other = ROUND
    assert seconds_for([first], [took(first, 5.0), took(first, 9.0)]) == 9.0
    assert seconds_for([other], [took(first, 9.0)]) == 9.0
    assert seconds_for([first], []) == FIRST_GUESS_SECONDS
    assert seconds_for([first], [took(first, None)]) == FIRST_GUESS_SECONDS


def test_workers_that_import_ahead_take_their_time_once_a_batch() -> None:
    assert seconds_for(ROUND[:1], [took(ROUND[0], 9.0, start="ahead")]) == 20.0
    assert seconds_for(ROUND[:1], [took(ROUND[0], 9.0, start="ahead")], waiting=1) == 9.0
    many = seconds_for(ROUND * 50, [took(cell, 9.0, start="ahead") for cell in ROUND])
    assert many == 100 * 9.0 + 11.0 * math.ceil(100 / training_threads())


def test_a_cold_start_is_part_of_what_a_cell_takes() -> None:
    assert seconds_for(ROUND[:1], [took(ROUND[0], 9.0, start="cold")]) == 20.0


@given(st.lists(st.floats(0.1, 1e4), min_size=1, max_size=4))
def test_more_cells_never_take_less(seconds: list[float]) -> None:
    records = [took(ROUND[index % 2], value) for index, value in enumerate(seconds)]
    assert seconds_for(CELLS[:1], records) <= seconds_for(CELLS[:2], records) <= seconds_for(CELLS, records)


@pytest.mark.parametrize("seconds", [0.0, 5.0])
def test_a_slot_that_is_nearly_over_begins_nothing(seconds: float) -> None:
    assert not within(seconds).allows(ROUND, [])
