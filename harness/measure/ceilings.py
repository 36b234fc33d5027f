"""Hold what a cell reached against what its machine reached itself, in the same run."""

from __future__ import annotations

from dataclasses import dataclass

from harness.job.job import Job
from harness.machine.chip import Chip
from harness.machine.host import Host
from harness.measure.limits import flops_per_token, least_bytes_per_step, memory_floor_bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class AgainstLimits:
    """A cell's shares of what its machine reached; None without figures or ceilings."""

    model_flops_utilization: float | None
    """Of the operations per second: those that the job's mathematics needs."""
    memory_bandwidth_share: float | None
    """Of the bytes per second: those that no implementation can avoid moving."""
    memory_floor_bytes: float


def limits_in_short(chip: Chip, host: Host) -> str:
    """What the machine can do, in a line: its ceilings, what a kernel launch costs, NUMA and governor where known."""
    words = chip.in_words()
    if host.numa_nodes:
        words.append(f"{host.numa_nodes} NUMA nodes" if host.numa_nodes > 1 else "1 NUMA node")
    if host.cpu_governor:
        words.append(f"governor {host.cpu_governor}")
    return ", ".join(words)


def against_limits(
    tokens_per_second: float | None, median_step_seconds: float | None, job: Job, chip: Chip
) -> AgainstLimits:
    """Hold a cell's two figures against its machine."""
    rate, seconds = tokens_per_second, median_step_seconds
    matmul, copy = chip.matmul_flops_per_second, chip.copy_bytes_per_second
    return AgainstLimits(
        model_flops_utilization=rate * flops_per_token(job) / matmul if rate and matmul else None,
        memory_bandwidth_share=least_bytes_per_step(job) / seconds / copy if seconds and copy else None,
        memory_floor_bytes=memory_floor_bytes(job),
    )
