"""Compare what a cell reached with the ceilings of its machine, measured in the same run."""

from __future__ import annotations

from dataclasses import dataclass

from harness.job.job import Job
from harness.machine.chip import Chip
from harness.machine.host import Host
from harness.measure.limits import flops_per_token, least_bytes_per_step, memory_floor_bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class AgainstLimits:
    """A cell's shares of its machine's ceilings; None without figures or ceilings."""

    model_flops_utilization: float | None
    """Share of the operations per second, counting those that the job's mathematics needs."""
    memory_bandwidth_share: float | None
    """Share of the bytes per second, counting those that no implementation can avoid moving."""
    memory_floor_bytes: float


def limits_in_short(chip: Chip, host: Host) -> str:
    """Return the machine's limits in one line: ceilings, cost of a kernel launch, NUMA and governor if known."""
    words = chip.in_words()
    if host.numa_nodes:
        words.append(f"{host.numa_nodes} NUMA nodes" if host.numa_nodes > 1 else "1 NUMA node")
    if host.cpu_governor:
        words.append(f"governor {host.cpu_governor}")
    return ", ".join(words)


def against_limits(
    tokens_per_second: float | None, median_step_seconds: float | None, job: Job, chip: Chip
) -> AgainstLimits:
    """Compare a cell's two figures with its machine's."""
    rate, seconds = tokens_per_second, median_step_seconds
    matmul, copy = chip.matmul_flops_per_second, chip.copy_bytes_per_second
    return AgainstLimits(
        model_flops_utilization=rate * flops_per_token(job) / matmul if rate and matmul else None,
        memory_bandwidth_share=least_bytes_per_step(job) / seconds / copy if seconds and copy else None,
        memory_floor_bytes=memory_floor_bytes(job),
    )
