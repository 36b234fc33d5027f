from __future__ import annotations

from typing import Any

from harness.analysis.comparison import CONDITIONS
from harness.report.content.against_limits import ceilings_text, limit_table

CELL: dict[str, Any] = {
    **dict.fromkeys(CONDITIONS, "same"),
    "framework": "unsloth",
    "framework_version": "1.0",
    "method": "lora",
    "track": "parity",
    "outcome": "ok",
    "twin": False,
    "tokens_per_second": 5000.0,
    "model_flops_utilization": 0.4129,
    "memory_bandwidth_share": 0.051,
    "peak_memory_bytes": 3 * 2**30,
    "memory_floor_bytes": 2 * 2**30,
    "mean_power_watts": None,
    "gpu_busy_share": None,
    "energy_joules_per_1000_tokens": None,
}


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
    tuned = {**CELL, "track": "tuned"}
    ceiling = {**tuned, "framework": "ceiling", "tokens_per_second": 8000.0}
    headings, rows = limit_table([CELL, tuned, ceiling], "lora, tuned")
    assert headings[1] == "of the ceiling"
    assert [row[:2] for row in rows] == [("unsloth 1.0", "62.5%"), ("ceiling 1.0", "-")]
    assert "of the ceiling" not in limit_table([CELL, tuned, ceiling], "lora")[0]


def test_another_job_is_a_row_of_its_own_and_has_a_ceiling_of_its_own() -> None:
    tuned = {**CELL, "track": "tuned"}
    other = {**tuned, "compared_sha256": "other", "tokens_per_second": 100.0}
    ceiling = {**tuned, "framework": "ceiling", "tokens_per_second": 8000.0}
    _, rows = limit_table([tuned, ceiling, other], "lora, tuned")
    assert [row[:2] for row in rows] == [
        ("unsloth 1.0 [1]", "62.5%"),
        ("ceiling 1.0 [1]", "-"),
        ("unsloth 1.0 [2]", "-"),
    ]


def test_what_was_measured_of_the_machine_is_said_and_so_is_why_it_was_not() -> None:
    chip = {"matmul_flops_per_second": 771e12, "copy_bytes_per_second": 4.31e12, "matmul_dtype": "bfloat16"}
    assert "771 TFLOP/s (bfloat16), copy 4.31 TB/s" in ceilings_text({"chip": chip})
    assert "could not be measured: no CUDA" in ceilings_text({"chip": {"reason": "no CUDA"}})
    assert "were not measured in this run" in ceilings_text({})
