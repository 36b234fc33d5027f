from __future__ import annotations

import dataclasses
from typing import Any

from harness.analysis.compare_frameworks import Row, rows_of
from harness.records.cell_record import CellRecord
from harness.report.content.cells import text_of
from harness.report.content.comparison_notes import (
    conditions_text,
    loss_agreement,
    noise_floor_text,
    notes_of,
    numbered,
)
from harness.report.content.comparison_table import cells_of
from harness.text.markdown_table import inline
from tests.records.some_records import some_cell


def cell(framework: str, rate: float | None, *, outcome: str = "ok", **more: Any) -> CellRecord:
    columns: dict[str, Any] = {
        "framework": framework,
        "outcome": outcome,
        "tokens_per_second": rate,
        "peak_memory_bytes": 2**30,
        "median_step_cpu_seconds": 2.0,
        "first_loss": 12.0,
        "final_loss": 11.0,
        "compared_sha256": "j",
        "model_sha256": "m",
        "blocks_sha256": "b",
        "torch_version": "2.13.0",
    }
    return some_cell(**{**columns, **more})


def texts_of(row: Row) -> list[str]:
    return [text_of(cell) for cell in cells_of(row)]


def test_a_row_is_the_median_over_processes_with_its_interval() -> None:
    rows = rows_of(
        [
            *[cell("transformers", r, repeat=n) for n, r in enumerate((90.0, 100.0, 140.0), start=1)],
            cell("unsloth", 150.0),
        ]
    )
    assert [row.framework for row in rows] == ["transformers", "unsloth"]
    assert texts_of(rows[0])[1] == "3"
    assert texts_of(rows[0])[2].startswith("100 (")
    assert texts_of(rows[0])[3:5] == ["-", "-"]
    assert texts_of(rows[1])[1:5] == ["1", "150", "1.67", "too few processes"]


def test_five_processes_a_side_can_show_that_one_is_faster() -> None:
    records = [
        cell(name, rate + n, repeat=n) for n in range(5) for name, rate in (("transformers", 100.0), ("unsloth", 120.0))
    ]
    row = rows_of(records)[1]
    assert texts_of(row)[4] == "faster"
    assert texts_of(row)[7] == "equivalent within 2%"


def test_cells_that_were_not_ok_are_counted_and_left_out() -> None:
    failed = cell("unsloth", None, outcome="oom", peak_memory_bytes=None, first_loss=None, final_loss=None)
    rows = rows_of([cell("transformers", 100.0), cell("unsloth", 200.0), failed])
    assert rows[1].n == 1
    assert rows[1].outcome == "1 ok, 1 oom"
    assert texts_of(rows[1])[2] == "200"


def test_without_the_baseline_there_is_no_ratio() -> None:
    (row,) = rows_of([cell("unsloth", 150.0)])
    assert texts_of(row)[3] == "-"


def test_what_was_not_the_same_job_is_shown_and_left_out_of_ratio() -> None:
    rows = rows_of([cell("transformers", 100.0), cell("unsloth", 900.0, same_job="no"), cell("torchtune", 120.0)])
    assert texts_of(rows[1])[2:4] == ["900", "-"]


def test_a_baseline_that_was_not_the_same_job_is_in_no_ratio() -> None:
    rows = rows_of([cell("transformers", 100.0, same_job="no"), cell("unsloth", 90.0)])
    assert [texts_of(row)[3] for row in rows] == ["-", "-"]


def test_the_agreement_of_losses_is_relative() -> None:
    rows = rows_of([cell("transformers", 1.0), cell("unsloth", 1.0, first_loss=12.000012)])
    assert "within 1.0e-06" in loss_agreement(rows, "lora")
    rows = rows_of([cell("transformers", 1.0), cell("unsloth", 1.0)])
    assert "equal to the last bit" in loss_agreement(rows, "lora")


def test_what_a_framework_printed_cannot_break_a_table() -> None:
    assert inline("a | b\n<script>\x1b[31m") == "a \\| b &lt;script> \\[31m"


def test_cells_of_another_machine_or_job_are_never_in_one_ratio() -> None:
    here = [cell("transformers", 100.0), cell("unsloth", 110.0)]
    there = [cell("unsloth", 900.0, device="NVIDIA H200"), cell("transformers", 600.0, device="NVIDIA H200")]
    rows = rows_of([*here, *there])
    assert [(texts_of(row)[0], texts_of(row)[3]) for row in rows] == [
        ("transformers 1.0 [1]", "-"),
        ("unsloth 1.0 [1]", "1.10"),
        ("transformers 1.0 [2]", "-"),
        ("unsloth 1.0 [2]", "1.50"),
    ]
    assert conditions_text([*here, *there], "lora").endswith("[1] device cpu; [2] device NVIDIA H200")


def test_another_version_of_a_framework_is_a_row_of_its_own() -> None:
    newer = cell("unsloth", 130.0, framework_version="2.0")
    rows = rows_of([cell("transformers", 100.0), cell("unsloth", 110.0), newer])
    assert [(row.framework, row.key.version, row.n) for row in rows[1:]] == [
        ("unsloth", "1.0", 1),
        ("unsloth", "2.0", 1),
    ]


def test_a_cell_that_never_ran_stays_in_its_row() -> None:
    never = cell("unsloth", None, outcome="unavailable", device=None, omp_num_threads=None, framework_version=None)
    (_, row) = rows_of([cell("transformers", 100.0), cell("unsloth", 110.0), never])
    assert (row.n, row.outcome, row.key.conditions) == (1, "1 ok, 1 unavailable", 0)


def test_the_a_a_pair_is_told_and_is_in_no_row() -> None:
    records = [
        cell("transformers", 98.0 + repeat, twin=twin, repeat=repeat) for twin in (False, True) for repeat in (1, 2, 3)
    ]
    (row,) = rows_of(records)
    assert row.n == 3
    assert "LoRA 1.00x" in noise_floor_text(records, ["lora"])


def test_a_note_is_said_once_and_each_row_has_its_number() -> None:
    rows = [
        dataclasses.replace(row, notes=("first", "second") if row.framework == "unsloth" else ())
        for method in ("lora", "qlora")
        for row in rows_of([cell("transformers", 100.0, method=method), cell("unsloth", 110.0, method=method)])
    ]
    notes = notes_of(rows)
    assert numbered(notes) == ["¹ unsloth: first", "² unsloth: second"]
    assert [text_of(cells_of(row, notes=notes)[0]) for row in rows] == ["transformers 1.0", "unsloth 1.0 ¹ ²"] * 2
