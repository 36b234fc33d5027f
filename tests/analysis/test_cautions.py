"""Each caution is raised by its own cause and by nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from harness.analysis.cautions import Caution, cautions_at_start, cautions_of
from harness.job.recipe import Choices, resolve
from harness.records.cell_record import CellRecord
from harness.records.run_record import RunRecord
from tests.records.some_records import INPUTS, some_cell, some_run

Changed = tuple[RunRecord, list[CellRecord]]
RATES = {"transformers": 100.0, "unsloth": 120.0}


def sound() -> Changed:
    """A run on a GPU about which there is nothing to say."""
    choices = Choices(profile="gpu", frameworks=",".join(RATES), methods="lora", repeats=9)
    run = some_run(resolve(choices, gpu_present=True), other_cpu_cores_at_start=0.2)
    cells = [
        some_cell(
            framework=framework,
            repeat=repeat,
            tokens_per_second=rate * (1 + 0.001 * ((repeat + len(framework)) % 3)),
            other_cpu_cores=0.1,
            swapped_bytes=0,
            throttled_share=0.05,
            other_gpu_processes=0,
            clocks_lowered_share=0.01,
            gpu_busy_share=0.97,
        )
        for framework, rate in RATES.items()
        for repeat in range(1, 10)
    ]
    return run, cells


def one_cell(**columns: Any) -> Changed:
    """The sound run with another value in one cell."""
    run, cells = sound()
    cells[3] = cells[3].model_copy(update=columns)
    return run, cells


def the_run(**values: Any) -> Changed:
    run, cells = sound()
    return run.model_copy(update=values), cells


def the_experiment(**values: Any) -> Changed:
    return the_run(experiment=dataclasses.replace(sound()[0].experiment, **values))


def the_inputs(**values: Any) -> Changed:
    return the_run(inputs={"lora": INPUTS.model_copy(update=values)})


def rates(factor: Callable[[int, CellRecord], float], **columns: Callable[[CellRecord], Any]) -> Changed:
    """The sound run with other rates: times `factor` of a cell and its place."""
    run, cells = sound()
    changed = [
        cell.model_copy(
            update={
                "tokens_per_second": (cell.tokens_per_second or 0) * factor(place, cell),
                **{name: value(cell) for name, value in columns.items()},
            }
        )
        for place, cell in enumerate(cells)
    ]
    return run, changed


def moved_on(_: int, cell: CellRecord) -> float:
    """Four rounds ran on another machine, where one framework is slower."""
    return 0.96 if cell.repeat > 5 and cell.framework != "transformers" else 1.0


CAUSES: dict[Caution, Callable[[], Changed]] = {
    Caution.STAND_IN_CORPUS: lambda: the_inputs(dataset_is_stand_in=True),
    Caution.RANDOM_WEIGHTS: lambda: the_inputs(model_source="random weights, seed 0"),
    Caution.CPU: lambda: the_experiment(device="cpu"),
    Caution.FEW_REPEATS: lambda: the_experiment(repeats=2),
    Caution.PRECISION: lambda: the_experiment(until=0.0001, max_repeats=9),
    Caution.SPREAD: lambda: rates(lambda place, cell: (0.85, 1.0, 1.15)[cell.repeat % 3] if place < 9 else 1.0),
    Caution.OTHER_LOAD: lambda: one_cell(other_cpu_cores=3.0),
    Caution.LOADED: lambda: the_run(other_cpu_cores_at_start=8.0),
    Caution.GPU_SHARED: lambda: one_cell(other_gpu_processes=1),
    Caution.GPU_WAITED: lambda: one_cell(gpu_busy_share=0.0),
    Caution.GPU_NOT_RETURNED: lambda: one_cell(gpu_bytes_not_returned=2**30),
    Caution.CLOCKS_LOWERED: lambda: one_cell(clocks_lowered_share=0.4),
    Caution.MACHINES_DIFFER: lambda: rates(moved_on, node=lambda cell: "b" if cell.repeat > 5 else "a"),
    Caution.DRIFT: lambda: rates(lambda _, cell: 1 - 0.01 * cell.repeat),
    Caution.OUTLIERS: lambda: rates(lambda place, _: 0.9 if place == 4 else 1.0),
    Caution.SWAPPING: lambda: one_cell(swapped_bytes=4096),
    Caution.THROTTLED: lambda: one_cell(throttled_share=0.06),
    Caution.NOT_AUDITED: lambda: one_cell(same_job="not audited"),
    Caution.NOT_THE_SAME_JOB: lambda: one_cell(same_job="no"),
    Caution.DEVIATIONS: lambda: one_cell(deviations="LoRA weights in fp32"),
    Caution.NOT_ALL_OK: lambda: one_cell(outcome="oom", tokens_per_second=None),
    Caution.MISSING: lambda: the_run(contents={"cells": {"unsloth-lora-parity-10": "its seal"}}),
    Caution.UNFINISHED: lambda: the_run(status="interrupted"),
}


def test_a_run_about_which_there_is_nothing_to_say_has_no_caution() -> None:
    assert cautions_of(*sound()) == []


@pytest.mark.parametrize("caution", list(Caution), ids=lambda caution: caution.name)
def test_a_caution_comes_of_its_own_cause_alone(caution: Caution) -> None:
    assert cautions_of(*CAUSES[caution]()) == [caution]


def test_what_can_still_be_changed_is_said_before_the_first_cell() -> None:
    run, _ = sound()
    assert cautions_at_start(run) == []
    run, _ = the_run(other_cpu_cores_at_start=8.0, gpu_shared_with="process 7 holds 10.0 GiB")
    assert cautions_at_start(run) == [Caution.LOADED, Caution.GPU_SHARED]
