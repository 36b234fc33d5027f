from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from harness.analysis.compare_frameworks import rows_of
from harness.files.locations import SOURCE_ROOT
from harness.job.job import Job, Method
from harness.records.cell_record import CellRecord
from harness.records.run_folder import RunFolder
from harness.report.content.answer import answers
from tests.report.content.test_comparison_table import cell

Records = Sequence[CellRecord]
RUN = RunFolder(SOURCE_ROOT / "results" / "reference-cpu").read_run()
JOBS: dict[Method, Job] = {"lora": RUN.experiment.jobs["lora"]}
LORA = RUN.model_copy(update={"experiment": dataclasses.replace(RUN.experiment, jobs=JOBS)})


def sentences(records: Records) -> list[str]:
    """Speed, memory, and what was compared."""
    return [f"{answer.title}: {answer.text}" for answer in answers(rows_of(records), LORA)]


def five_rounds(**rates: float) -> Records:
    return [cell(name, rate + n, repeat=n) for n in range(5) for name, rate in rates.items()]


def test_who_is_shown_to_be_faster_is_named_with_ratio_interval_and_n() -> None:
    speed, memory, what = sentences(five_rounds(transformers=100.0, unsloth=120.0, torchtune=110.0))
    assert speed.startswith(
        "Speed: highest of those shown to be faster than transformers: unsloth in lora (122.0 tokens/s, 1.20x, 1.1"
    )
    assert memory.startswith("Peak memory: no framework is shown to be lower than transformers in lora (lowest ")
    assert what.startswith("Same job: audited to be so in 3 of 3 rows; n = 5 processes a row, on ")


def test_a_baseline_that_all_others_are_behind_is_the_answer() -> None:
    speed, *_ = sentences(five_rounds(transformers=200.0, unsloth=120.0))
    assert speed == ("Speed: transformers is highest, and all others shown to be behind it, in lora (202.0 tokens/s).")


def test_who_is_shown_to_be_faster_is_named_though_an_unsure_figure_is_higher() -> None:
    unsure = [cell("torchtune", rate, repeat=n) for n, rate in enumerate((90.0, 250.0, 95.0, 260.0, 150.0))]
    speed, *_ = sentences([*five_rounds(transformers=100.0, unsloth=120.0), *unsure])
    assert "unsloth in lora (122.0 tokens/s, 1.20x, 1." in speed
    assert "; highest torchtune, 150.0 tokens/s, 1.50x" in speed
    assert "no framework" not in speed


def test_one_process_shows_nothing_and_the_answer_says_so() -> None:
    speed, *_ = sentences(
        [cell("transformers", 100.0), cell("unsloth", 900.0, same_job="no"), cell("torchtune", 120.0)]
    )
    assert speed == (
        "Speed: no framework is shown to be faster than transformers in lora (highest torchtune, 120.0 tokens/s, "
        "1.20x: too few processes)."
    )


def test_a_framework_alone_is_compared_with_nobody() -> None:
    speed, *_ = sentences([cell("unsloth", 150.0)])
    assert speed == (
        "Speed: highest, without transformers or another to compare with: unsloth in lora (150.0 tokens/s)."
    )


def test_without_any_figure_of_the_same_job_there_is_no_winner() -> None:
    first, what = sentences([cell("unsloth", None, outcome="crashed", peak_memory_bytes=None)])
    assert first == "Speed: no framework gave a figure for the same job."
    assert "n = 0 processes a row" in what


def test_an_answer_is_given_for_each_set_of_conditions() -> None:
    records = [
        cell(name, rate, device=device)
        for device, rates in (("cpu", (100.0, 110.0)), ("NVIDIA H200", (600.0, 500.0)))
        for name, rate in zip(("transformers", "unsloth"), rates, strict=True)
    ]
    found = sentences(records)
    assert found[0].startswith("Speed [1]: ")
    assert "unsloth, 110.0 tokens/s" in found[0]
    assert found[2].startswith("Speed [2]: ")
    assert "highest transformers, 600.0 tokens/s)" in found[2]


def test_who_ran_only_the_first_rounds_is_not_favoured_by_a_machine_that_becomes_slower() -> None:
    baseline = [cell("transformers", 100.0 - 5 * repeat, repeat=repeat) for repeat in range(9)]
    speed, *_ = sentences([*baseline, *(cell("unsloth", 90.0 - 5 * repeat, repeat=repeat) for repeat in range(3))])
    assert speed == "Speed: transformers is highest, and all others shown to be behind it, in lora (80.0 tokens/s)."


@pytest.mark.parametrize("same_job", ["no", "not audited"])
def test_rows_that_were_not_shown_to_be_the_same_job_are_not_counted_as_such(same_job: str) -> None:
    *_, what = sentences([cell("transformers", 100.0), cell("unsloth", 120.0, same_job=same_job)])
    assert what.startswith("Same job: audited to be so in 1 of 2 rows;")
