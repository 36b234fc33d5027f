from __future__ import annotations

from harness.machine.chip import Chip
from harness.report.content.against_limits import ceilings_text, limit_table
from tests.records.some_records import some_cell

CELL = some_cell(
    tokens_per_second=5000.0,
    model_flops_utilization=0.4129,
    memory_bandwidth_share=0.051,
    peak_memory_bytes=3 * 2**30,
    memory_floor_bytes=2.0 * 2**30,
)
TUNED = CELL.model_copy(update={"track": "tuned"})
CEILING = TUNED.model_copy(update={"framework": "ceiling", "tokens_per_second": 8000.0})


def test_a_cell_is_shown_as_shares_of_the_machine_and_columns_without_figures_are_left_out() -> None:
    headings, rows = limit_table([CELL], "lora")
    assert headings == (
        "framework",
        "of the matrix units (MFU)",
        "of the memory bandwidth",
        "peak memory",
        "to the floor",
    )
    assert rows == [("unsloth 1.0", "41.3%", "5.1%", "3.00 GiB", "1.50x")]


def test_a_framework_is_shown_as_a_share_of_the_ceiling_in_the_same_section_alone() -> None:
    headings, rows = limit_table([CELL, TUNED, CEILING], "lora, tuned")
    assert headings[1] == "of the ceiling"
    assert [row[:2] for row in rows] == [("unsloth 1.0", "62.5%"), ("ceiling 1.0", "-")]
    assert "of the ceiling" not in limit_table([CELL, TUNED, CEILING], "lora")[0]


def test_another_job_is_a_row_of_its_own_and_has_a_ceiling_of_its_own() -> None:
    other = TUNED.model_copy(update={"compared_sha256": "other", "tokens_per_second": 100.0})
    _, rows = limit_table([TUNED, CEILING, other], "lora, tuned")
    assert [row[:2] for row in rows] == [
        ("unsloth 1.0 [1]", "62.5%"),
        ("ceiling 1.0 [1]", "-"),
        ("unsloth 1.0 [2]", "-"),
    ]


def test_what_was_measured_of_the_machine_is_said_and_so_is_why_it_was_not() -> None:
    chip = Chip(matmul_flops_per_second=771e12, copy_bytes_per_second=4.31e12, matmul_dtype="bfloat16")
    assert "771 TFLOP/s (bfloat16), copy 4.31 TB/s" in ceilings_text(chip)
    assert "could not be measured: no CUDA" in ceilings_text(Chip(reason="no CUDA"))
    assert "were not measured in this run" in ceilings_text(None)
