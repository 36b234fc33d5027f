from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from harness.analysis.compare_frameworks import rows_of
from harness.files.locations import SOURCE_ROOT
from harness.job.job import Job, Method
from harness.records.cell_record import CellRecord
from harness.records.run_folder import RunFolder
from harness.records.run_record import RunRecord
from harness.report.content.answer import Answer, answer
from tests.report.content.test_comparison_table import cell

Records = Sequence[CellRecord]
RUN = RunFolder(SOURCE_ROOT / "results" / "reference-cpu").read_run()
JOBS: dict[Method, Job] = {"lora": RUN.experiment.jobs["lora"]}
LORA = RUN.model_copy(update={"experiment": dataclasses.replace(RUN.experiment, jobs=JOBS)})
ON_A_GPU = LORA.model_copy(update={"experiment": dataclasses.replace(LORA.experiment, device="cuda")})


def answered(records: Records, run: RunRecord = ON_A_GPU) -> Answer:
    return answer(rows_of(records), records, run, cautions=2)


def sentences(records: Records) -> tuple[str, ...]:
    """Speed, memory, and who is not shown to differ."""
    return answered(records).sentences


def trust(records: Records) -> str:
    return "".join(piece.text for piece in answered(records).trust)


def five_rounds(**rates: float) -> Records:
    """Rates that rise from round to round by a hundredth, with a noise of a thousandth."""
    return [
        cell(name, rate * (1 + n / 100 + (n * place % 3) / 1000), repeat=n)
        for n in range(5)
        for place, (name, rate) in enumerate(rates.items())
    ]


def test_who_leads_all_others_is_named_with_ratio_and_interval() -> None:
    speed, memory, *_ = sentences(five_rounds(transformers=100.0, unsloth=130.0, torchtune=110.0))
    assert speed.startswith("Unsloth trains fastest: 1.30 times transformers with LoRA (95%: 1.")
    assert memory == "No framework is shown to need less memory than transformers with LoRA."


def test_two_that_are_faster_and_not_shown_to_differ_share_the_sentence() -> None:
    speed, *_ = sentences(five_rounds(transformers=100.0, unsloth=130.0, torchtune=130.02))
    assert speed.startswith(("torchtune (1.30 times, 95%: 1.", "Unsloth (1.30 times, 95%: 1."))
    assert speed.endswith("train faster than transformers with LoRA. Which of them is fastest is not shown.")


def test_a_baseline_that_all_others_are_behind_is_the_answer() -> None:
    speed, *_ = sentences(five_rounds(transformers=200.0, unsloth=120.0))
    assert speed == "transformers itself trains fastest with LoRA."


def test_who_is_shown_to_be_faster_is_not_called_fastest_while_an_unsure_figure_is_higher() -> None:
    unsure = [cell("torchtune", rate, repeat=n) for n, rate in enumerate((90.0, 250.0, 95.0, 260.0, 150.0))]
    speed, *_ = sentences([*five_rounds(transformers=100.0, unsloth=120.0), *unsure])
    assert speed.startswith("Unsloth trains faster than transformers with LoRA: 1.20 times, 95%: 1.")
    assert speed.endswith("Which framework is fastest is not shown.")


def test_who_is_not_shown_to_differ_is_named_where_somebody_does() -> None:
    unsure = [cell("torchtune", rate, repeat=n) for n, rate in enumerate((90.0, 110.0, 95.0, 120.0, 101.0))]
    *_, last = sentences([*five_rounds(transformers=100.0, unsloth=120.0), *unsure])
    assert last == "torchtune is not shown to differ from transformers in speed."


def test_one_process_shows_nothing_and_the_answer_says_so() -> None:
    speed, *_ = sentences(
        [cell("transformers", 100.0), cell("unsloth", 900.0, same_job="no"), cell("torchtune", 120.0)]
    )
    assert speed == (
        "There are too few processes for a verdict on speed. "
        "The highest figures so far: torchtune 1.20 times transformers with LoRA."
    )


def test_a_framework_alone_is_compared_with_nobody() -> None:
    speed, *_ = sentences([cell("unsloth", 150.0)])
    assert speed.startswith("Without transformers in the run there is no ratio of speeds. The highest figures: ")
    assert speed.endswith("Unsloth 150 tokens/s with LoRA.")


def test_without_any_figure_of_the_same_job_there_is_no_winner() -> None:
    crashed = [cell("unsloth", None, outcome="crashed", peak_memory_bytes=None)]
    assert sentences(crashed) == ("No framework gave a figure for the same job.",)
    assert "; 0 fresh processes each" in trust(crashed)


def test_an_answer_is_given_for_each_set_of_conditions() -> None:
    records = [
        cell(name, rate, device=device)
        for device, rates in (("cpu", (100.0, 110.0)), ("NVIDIA H200", (600.0, 500.0)))
        for name, rate in zip(("transformers", "unsloth"), rates, strict=True)
    ]
    found = sentences(records)
    assert found[0].startswith("[1] There are too few processes")
    assert "Unsloth 1.10 times transformers with LoRA" in found[0]
    assert found[2].startswith("[2] ")
    assert "transformers 600 tokens/s with LoRA" in found[2]


def test_who_ran_only_the_first_rounds_is_not_favoured_by_a_machine_that_becomes_slower() -> None:
    baseline = [cell("transformers", 100.0 - 5 * repeat, repeat=repeat) for repeat in range(9)]
    speed, *_ = sentences([*baseline, *(cell("unsloth", 90.0 - 5 * repeat, repeat=repeat) for repeat in range(3))])
    assert speed == "transformers itself trains fastest with LoRA."


def test_a_run_on_a_cpu_says_that_it_ranks_nobody_for_a_gpu() -> None:
    *_, last = answered(five_rounds(transformers=100.0, unsloth=120.0), LORA).sentences
    assert last == (
        "This was a CPU: it ranks no framework for a GPU. Unsloth ran without its Triton kernels, so this is no test "
        "of them."
    )
    *_, last = answered(five_rounds(transformers=100.0, torchtune=120.0), LORA).sentences
    assert last == "This was a CPU: it ranks no framework for a GPU."


@pytest.mark.parametrize("same_job", ["no", "not audited"])
def test_rows_that_were_not_shown_to_be_the_same_job_are_not_counted_as_such(same_job: str) -> None:
    line = trust([cell("transformers", 100.0), cell("unsloth", 120.0, same_job=same_job)])
    assert line == (
        "How far to trust it: the same job in 1 of 2 rows; 1 fresh processes each, 95% intervals; 2 cautions."
    )


def test_an_interval_that_excludes_1_without_a_verdict_is_explained() -> None:
    rates = (101.0, 108.0, 109.0, 118.0, 104.0)
    near = [cell("unsloth", rate, repeat=n) for n, rate in enumerate(rates)]
    others = dict.fromkeys(("transformers", "axolotl", "torchtune", "llamafactory"), 100.0)
    noisy = [
        cell(name, rate + (n * place * 7) % 5, repeat=n)
        for n in range(5)
        for place, (name, rate) in enumerate(others.items())
    ]
    speed, *_ = sentences([*noisy, *near])
    assert speed == (
        "No framework is shown to train faster than transformers with LoRA. Unsloth's 1.08 times with LoRA may be "
        "chance, since 4 frameworks were compared at once."
    )


def test_a_deviation_is_named_in_the_line_on_trust() -> None:
    line = trust([cell("transformers", 100.0), cell("torchtune", 120.0, same_job="with deviations")])
    assert "the same job in 2 of 2 rows (torchtune with LoRA: with a declared deviation); " in line
