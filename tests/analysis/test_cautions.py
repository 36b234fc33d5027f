"""Each caution is raised by its own cause and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.analysis.cautions import Caution, cautions_at_start, cautions_of
from harness.job.recipe import Choices, resolve
from harness.records.results import RESULT_COLUMNS

Run = dict[str, Any]
Cells = list[dict[str, Any]]
RATES = {"transformers": 100.0, "unsloth": 120.0}


def sound() -> tuple[Run, Cells]:
    """A run on a GPU about which there is nothing to say."""
    choices = Choices(profile="gpu", frameworks=",".join(RATES), methods="lora", repeats=9)
    experiment = resolve(choices, gpu_present=True)
    run: Run = {
        "status": "complete",
        "experiment": experiment.as_dict(),
        "host": {"cpu_threads": 16},
        "inputs": {"lora": {"dataset_is_stand_in": False, "model_source": "Qwen/Qwen3-0.6B at 1, from the hub"}},
        "other_cpu_cores_at_start": 0.2,
        "gpu_shared_with": "",
    }
    cells: Cells = [
        {
            **dict.fromkeys(RESULT_COLUMNS),
            "framework": framework,
            "method": "lora",
            "track": "parity",
            "repeat": repeat,
            "twin": False,
            "outcome": "ok",
            "same_job": "yes",
            "deviations": "",
            "tokens_per_second": rate * (1 + 0.001 * ((repeat + len(framework)) % 3)),
            "other_cpu_cores": 0.1,
            "swapped_bytes": 0,
            "throttled_share": 0.05,
            "other_gpu_processes": 0,
            "clocks_lowered_share": 0.01,
            "gpu_busy_share": 0.97,
        }
        for framework, rate in RATES.items()
        for repeat in range(1, 10)
    ]
    return run, cells


def slow_down(run: Run, cells: Cells) -> None:
    for cell in cells:
        cell["tokens_per_second"] *= 1 - 0.01 * cell["repeat"]


def stand_apart(run: Run, cells: Cells) -> None:
    cells[4]["tokens_per_second"] *= 0.9


def scatter(run: Run, cells: Cells) -> None:
    for cell in cells[:9]:
        cell["tokens_per_second"] *= (0.85, 1.0, 1.15)[cell["repeat"] % 3]


def ask_for_more(run: Run, cells: Cells) -> None:
    run["experiment"] |= {"until": 0.0001, "max_repeats": 9}


def move_on(run: Run, cells: Cells) -> None:
    """Four rounds ran on another machine, where one framework is slower."""
    for cell in cells:
        elsewhere = cell["repeat"] > 5
        cell["node"] = "b" if elsewhere else "a"
        if elsewhere and cell["framework"] != "transformers":
            cell["tokens_per_second"] *= 0.96


CAUSES: dict[Caution, Callable[[Run, Cells], Any]] = {
    Caution.STAND_IN_CORPUS: lambda run, cells: run["inputs"]["lora"].update(dataset_is_stand_in=True),
    Caution.RANDOM_WEIGHTS: lambda run, cells: run["inputs"]["lora"].update(model_source="random weights, seed 0"),
    Caution.CPU: lambda run, cells: run["experiment"].update(device="cpu"),
    Caution.FEW_REPEATS: lambda run, cells: run["experiment"].update(repeats=2),
    Caution.PRECISION: ask_for_more,
    Caution.SPREAD: scatter,
    Caution.OTHER_LOAD: lambda run, cells: cells[3].update(other_cpu_cores=3.0),
    Caution.LOADED: lambda run, cells: run.update(other_cpu_cores_at_start=8.0),
    Caution.GPU_SHARED: lambda run, cells: cells[3].update(other_gpu_processes=1),
    Caution.GPU_WAITED: lambda run, cells: cells[3].update(gpu_busy_share=0.0),
    Caution.GPU_NOT_RETURNED: lambda run, cells: cells[3].update(gpu_bytes_not_returned=2**30),
    Caution.CLOCKS_LOWERED: lambda run, cells: cells[3].update(clocks_lowered_share=0.4),
    Caution.MACHINES_DIFFER: move_on,
    Caution.DRIFT: slow_down,
    Caution.OUTLIERS: stand_apart,
    Caution.SWAPPING: lambda run, cells: cells[3].update(swapped_bytes=4096),
    Caution.THROTTLED: lambda run, cells: cells[3].update(throttled_share=0.06),
    Caution.NOT_AUDITED: lambda run, cells: cells[3].update(same_job="not audited"),
    Caution.NOT_THE_SAME_JOB: lambda run, cells: cells[3].update(same_job="no"),
    Caution.DEVIATIONS: lambda run, cells: cells[3].update(deviations="LoRA weights in fp32"),
    Caution.NOT_ALL_OK: lambda run, cells: cells[3].update(outcome="oom", tokens_per_second=None),
    Caution.MISSING: lambda run, cells: run.update(contents={"cells": {"unsloth-lora-parity-10": "its seal"}}),
    Caution.UNFINISHED: lambda run, cells: run.update(status="interrupted"),
}


def test_a_run_about_which_there_is_nothing_to_say_has_no_caution() -> None:
    assert cautions_of(*sound()) == []


@pytest.mark.parametrize("caution", list(Caution), ids=lambda one: one.name)
def test_a_caution_comes_of_its_own_cause_alone(caution: Caution) -> None:
    run, cells = sound()
    CAUSES[caution](run, cells)
    assert cautions_of(run, cells) == [caution]


def test_what_can_still_be_changed_is_said_before_the_first_cell() -> None:
    run, _ = sound()
    assert cautions_at_start(run) == []
    run |= {"other_cpu_cores_at_start": 8.0, "gpu_shared_with": "process 7 holds 10.0 GiB"}
    assert cautions_at_start(run) == [Caution.LOADED, Caution.GPU_SHARED]
