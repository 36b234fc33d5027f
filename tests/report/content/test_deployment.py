"""What a report says of results after training: costs of trained weights alone, remarks once, a projection as one."""

from __future__ import annotations

from pathlib import Path

from harness.records.deployments import DeploymentFile, DeploymentRecord, Deployments
from harness.report.content import deployment, gguf_files
from harness.report.parts.studies import after_training
from harness.studies.deploy.board import boards
from tests.studies.deploy.records import BANDWIDTHS, record_of


def deployments(folder: Path, *records: DeploymentRecord) -> Deployments:
    file = DeploymentFile(folder)
    file.set_machine("a CPU, 2 threads", BANDWIDTHS)
    for record in records:
        file.add(record)
    return file.read()


def test_what_quantization_costs_is_shown_of_trained_weights_alone(tmp_path: Path) -> None:
    found = deployments(tmp_path, record_of(method="lora"))
    assert all(row[-3:] == ("random",) * 3 for row in gguf_files.format_rows(found))
    assert "is not shown" in deployment.losses_text(found)
    found = deployments(tmp_path, record_of(method="lora"), record_of(method="full", losses=(12.0, 3.0)))
    assert all(row[-3:] == ("20.09", "1.0e-03", "97.0%") for row in gguf_files.format_rows(found))
    assert [row[-1] for row in gguf_files.file_rows(found)] == ["random"] * 3 + ["97.0%"] * 3


def test_runs_of_all_results_of_a_format_count_together(tmp_path: Path) -> None:
    found = deployments(tmp_path, record_of(method="lora"), record_of(method="full"))
    rows = {row[0]: row for row in gguf_files.format_rows(found)}
    assert list(rows) == ["f16", "q8_0", "q4_k_m"]
    assert rows["q4_k_m"][1:3] == ("397 MB", "5.32")
    assert rows["q4_k_m"][3].startswith("31.0 (")


def test_the_conclusion_says_how_each_was_exported_and_that_a_board_is_projected(tmp_path: Path) -> None:
    failed = record_of("torchtune").model_copy(update={"export": None, "files": (), "stopped": "crashed"})
    found = deployments(tmp_path, record_of(), record_of("axolotl", fault="off"), failed)
    text = deployment.conclusion(found, boards())
    assert "2 of 3 results went the whole way" in text
    assert "Exported as trained: unsloth qlora. Exported, but not as trained: axolotl qlora." in text
    assert "Not exported: torchtune qlora." in text
    assert "a context of 32,768 tokens fits" in text
    assert "projected, not measured" in text


def test_a_remark_is_made_once_for_all_results_that_it_is_about(tmp_path: Path) -> None:
    found = deployments(
        tmp_path, record_of(workaround="by hand"), record_of("axolotl", workaround="by hand"), record_of("torchtune")
    )
    assert list(deployment.remarks(found)) == ["unsloth qlora, axolotl qlora: by hand"]


def test_no_result_makes_no_section_and_failures_alone_make_one(tmp_path: Path) -> None:
    assert list(after_training(Deployments())) == []
    failed = record_of().model_copy(update={"export": None, "files": (), "stopped": "crashed: it ended"})
    found = deployments(tmp_path, failed)
    assert list(after_training(found))
    assert "0 of 1 results" in deployment.conclusion(found, boards())
