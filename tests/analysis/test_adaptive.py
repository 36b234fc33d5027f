from __future__ import annotations

from typing import Any

from harness.analysis.adaptive import in_need, is_needed, pending
from harness.job.experiment import Experiment
from harness.job.plan import Cell, plan
from harness.job.recipe import Choices, resolve
from harness.records.cell_record import CellRecord
from tests.records.some_records import some_cell

NARROW = [100.0, 100.1, 99.9, 100.05, 99.95]
WIDE = [80.0, 120.0, 95.0, 110.0, 100.0]


def experiment(**more: Any) -> Experiment:
    choices = Choices(profile="cpu", frameworks="transformers,unsloth,torchtune", until="2%", max_repeats=9, **more)
    return resolve(choices, gpu_present=False)


def record(cell: Cell, rate: float | None, memory: float = 1e9) -> CellRecord:
    return some_cell(
        framework=cell.framework,
        method=cell.method,
        track=cell.track,
        repeat=cell.repeat,
        twin=cell.twin,
        tokens_per_second=rate,
        peak_memory_bytes=int(memory),
    )


def run(asked: Experiment, rates: dict[str, list[float | None]], rounds: int) -> list[CellRecord]:
    cells = [cell for cell in plan(asked) if cell.repeat <= rounds]
    return [record(cell, rates[cell.framework][(cell.repeat - 1) % 5]) for cell in cells]


def test_who_is_known_well_enough_gets_no_more_rounds() -> None:
    narrow, wide = dict(enumerate(NARROW)), dict(enumerate(WIDE))
    assert in_need({"transformers": narrow, "unsloth": wide, "torchtune": narrow}, 0.02) == {"transformers", "unsloth"}
    assert in_need({"transformers": narrow, "unsloth": narrow}, 0.02) == frozenset()


def test_a_framework_without_figures_is_not_waited_for() -> None:
    assert in_need({"transformers": dict(enumerate(NARROW)), "unsloth": {}}, 0.02) == frozenset()


def test_memory_is_to_be_known_as_well_as_speed() -> None:
    asked = experiment()
    first = [cell for cell in plan(asked) if cell.repeat <= 5]
    records = [
        record(
            cell, NARROW[cell.repeat - 1], 1e7 * (WIDE if cell.framework == "torchtune" else NARROW)[cell.repeat - 1]
        )
        for cell in first
    ]
    needed = {cell.framework for cell in plan(asked) if cell.repeat == 6 and is_needed(cell, asked, records)}
    assert needed == {"transformers", "torchtune"}


def test_an_adaptive_run_begins_with_enough_processes_for_a_verdict() -> None:
    asked = experiment()
    assert asked.repeats == 5
    assert all(is_needed(cell, asked, []) for cell in plan(asked) if cell.repeat <= 5)


def test_everything_may_be_needed_at_first_and_nothing_once_all_are_settled() -> None:
    asked = experiment()
    cells = plan(asked)
    assert pending(cells, frozenset(), asked, []) == cells
    records = run(asked, {"transformers": [*NARROW], "unsloth": [*NARROW], "torchtune": [*NARROW]}, rounds=5)
    recorded = frozenset(cell.name for cell in cells if cell.repeat <= 5)
    assert pending(cells, recorded, asked, records) == ()


def test_a_resumed_run_goes_on_where_the_unsettled_framework_stands() -> None:
    asked = experiment()
    cells = plan(asked)
    records = run(asked, {"transformers": [*NARROW], "unsloth": [*WIDE], "torchtune": [*NARROW]}, rounds=5)
    recorded = frozenset(cell.name for cell in cells if cell.repeat <= 5)
    left = pending(cells, recorded, asked, records)
    assert {cell.repeat for cell in left} == {6, 7, 8, 9}
    needed = {cell.framework for cell in left if cell.repeat == 6 and is_needed(cell, asked, records)}
    assert needed == {"transformers", "unsloth"}


def test_the_twin_runs_with_the_baseline_and_counts_for_nothing_else() -> None:
    asked = experiment(aa=True)
    assert sum(cell.twin for cell in plan(asked)) == 9
    assert {cell.framework for cell in plan(asked) if cell.twin} == {"transformers"}
    assert len({cell.name for cell in plan(asked)}) == len(plan(asked))
    odd = [
        record.model_copy(update={"twin": True, "tokens_per_second": 1.0})
        for record in run(asked, {"transformers": [*NARROW], "unsloth": [*NARROW], "torchtune": [*NARROW]}, rounds=5)
    ]
    assert not any(is_needed(cell, asked, odd) for cell in plan(asked) if cell.repeat == 6)
