"""Hold what a cell reached against what its machine reached itself, in the same run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.job.job import Job
from harness.measure.limits import flops_per_token, least_bytes_per_step, memory_floor_bytes

LIMIT_COLUMNS = ("model_flops_utilization", "memory_bandwidth_share", "memory_floor_bytes")


def limits_in_short(run: Mapping[str, Any]) -> str:
    """What the machine can do, in a line: its ceilings, what a kernel launch costs, NUMA and governor where known."""
    chip, host = run["nodes"][-1]["chip"], run["host"]
    told = []
    if "matmul_flops_per_second" in chip:
        told.append(
            f"multiplies {chip['matmul_dtype']} matrices at {chip['matmul_flops_per_second'] / 1e12:.3g} TFLOP/s"
        )
        told.append(f"copies at {chip['copy_bytes_per_second'] / 1e9:.3g} GB/s")
    if chip.get("launch_seconds"):
        told.append(f"launches a kernel in {chip['launch_seconds'] * 1e6:.1f} us")
    if chip.get("reason"):
        told.append(f"its ceilings could not be measured ({chip['reason']})")
    if host.get("numa_nodes"):
        told.append(f"{host['numa_nodes']} NUMA nodes" if host["numa_nodes"] > 1 else "1 NUMA node")
    if host.get("cpu_governor"):
        told.append(f"governor {host['cpu_governor']}")
    return ", ".join(told)


def against_limits(record: Mapping[str, Any], job: Job, chip: Mapping[str, Any]) -> dict[str, float | None]:
    """LIMIT_COLUMNS of a cell.

    Shares of what the machine reached itself, in the same run: the mathematics' operations per second (MFU), and the
    bytes that no implementation can avoid moving. None without figures or ceilings.
    """
    rate, seconds = record.get("tokens_per_second"), record.get("median_step_seconds")
    matmul, copy = chip.get("matmul_flops_per_second"), chip.get("copy_bytes_per_second")
    return {
        "model_flops_utilization": rate * flops_per_token(job) / matmul if rate and matmul else None,
        "memory_bandwidth_share": least_bytes_per_step(job) / seconds / copy if seconds and copy else None,
        "memory_floor_bytes": memory_floor_bytes(job),
    }
