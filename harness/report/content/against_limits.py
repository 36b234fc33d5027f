"""How near the cells came to their machine's ceilings, as a table of text."""

from __future__ import annotations

from collections.abc import Iterable

from harness.analysis.cell_columns import median_of
from harness.analysis.row_grouping import processes
from harness.job.frameworks import CEILING
from harness.machine.chip import Chip
from harness.records.cell_record import CellRecord
from harness.text import units

HEADINGS = (
    "framework",
    "of the ceiling",
    "of the matrix units (MFU)",
    "of the memory bandwidth",
    "peak memory",
    "to the floor",
    "GPU busy",
    "power",
    "energy per 1,000 tokens",
)


FLOOR_TEXT = (
    "The floor is the least memory that training this job can hold; a resident set holds the interpreter and its "
    "libraries too."
)


def ceilings_text(chip: Chip | None) -> str:
    """Return the machine's ceilings, measured in this run, or why they are unknown."""
    if chip is None:
        return "The machine's own ceilings were not measured in this run."
    if chip.matmul_flops_per_second is None or chip.copy_bytes_per_second is None:
        return f"The machine's own ceilings could not be measured: {chip.reason}"
    matmul, copy = units.tera(chip.matmul_flops_per_second), units.tera(chip.copy_bytes_per_second)
    launch = chip.launch_seconds
    launched = "" if launch is None else f" To launch a kernel cost the host {launch * 1e6:.1f} microseconds."
    return (
        f"Measured in this run, on random data: matrix multiplication {matmul}FLOP/s ({chip.matmul_dtype}), copy "
        f"{copy}B/s (read and written).{launched} The first two columns are shares of that: what the job's "
        "mathematics needs, and the bytes that nothing can avoid moving; recomputation counts for nothing."
    )


def limit_table(records: Iterable[CellRecord], section: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the known columns of HEADINGS, and a row for each row of the matrix: medians over processes."""
    rows = _rows(records, section)
    known = [index for index in range(len(HEADINGS)) if any(row[index] != units.NOTHING for row in rows)]
    return tuple(HEADINGS[index] for index in known), [tuple(row[index] for index in known) for row in rows]


def _rows(records: Iterable[CellRecord], section: str) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    groups = processes(records, section)
    ceilings = {
        key.conditions: median_of(group, "tokens_per_second")
        for key, group in groups.items()
        if key.framework == CEILING
    }
    for key, group in groups.items():
        ceiling = None if key.framework == CEILING else ceilings.get(key.conditions)
        rate = median_of(group, "tokens_per_second")
        peak, floor = median_of(group, "peak_memory_bytes"), median_of(group, "memory_floor_bytes")
        rows.append(
            (
                key.name,
                units.share(rate / ceiling if rate and ceiling else None),
                units.share(median_of(group, "model_flops_utilization")),
                units.share(median_of(group, "memory_bandwidth_share")),
                units.gibibytes(peak),
                units.NOTHING if not peak or not floor else units.ratio(peak / floor),
                units.share(median_of(group, "gpu_busy_share")),
                units.number(median_of(group, "mean_power_watts"), "W"),
                units.number(median_of(group, "energy_joules_per_1000_tokens"), "J"),
            )
        )
    return rows
