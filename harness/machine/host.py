"""The machine that a run uses, and the memory of a process tree."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.files.locations import INSTALLED, SOURCE_ROOT
from harness.machine.container import UNLIMITED_BYTES, cpu_quota_cores, memory_free_bytes, memory_limit_bytes
from harness.machine.gpu import first_gpu

NUMA = Path("/sys/devices/system/node")
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """Hardware and system of a machine, without its name or its user's name."""

    system: str
    machine: str
    """The architecture, like x86_64."""
    cpu: str
    cpu_threads: int
    """Hardware threads that this process may keep busy."""
    memory_bytes: int
    gpu: str | None
    gpu_memory_bytes: int | None
    gpu_driver: str | None
    cpu_cores: int | None = None
    cpu_quota_cores: float | None = None
    """Limit of a container; None without a quota."""
    numa_nodes: int | None = None
    """None if the system does not say."""
    cpu_governor: str | None = None

    @property
    def name(self) -> str:
        """Name of the machine beside figures: its GPU, or its CPU and how much of it may be used."""
        return self.gpu or self.processor

    @property
    def processor(self) -> str:
        """The CPU, and how much of it may be used."""
        return f"{self.cpu}, {self.cpu_threads} threads"

    @property
    def device_name(self) -> str:
        """Name of the GPU, or of the CPU."""
        return self.gpu or self.cpu


def describe_host() -> Host:
    """Return this machine."""
    gpu = first_gpu()
    return Host(
        system=f"{platform.system()} {platform.release()}",
        machine=platform.machine(),
        cpu=cpu_name(),
        cpu_cores=psutil.cpu_count(logical=False),
        cpu_threads=usable_threads(),
        cpu_quota_cores=cpu_quota_cores(),
        memory_bytes=usable_memory_bytes(),
        numa_nodes=_numa_nodes(),
        cpu_governor=_text_of(GOVERNOR),
        gpu=None if gpu is None else gpu.name,
        gpu_memory_bytes=None if gpu is None else gpu.memory_bytes,
        gpu_driver=None if gpu is None else gpu.driver_version,
    )


def processor_name() -> str:
    """Return the CPU's name in letters, digits and dashes, with a digest of the instructions that it has.

    A virtual machine may hide which processor it has.
    """
    name = re.sub(r"[^A-Za-z0-9]+", "-", cpu_name()).strip("-")
    return f"{name}-{hashlib.sha256(_cpu_line('flags', 'Features').encode()).hexdigest()[:8]}"


def measured_on(host: Host, omp_num_threads: int) -> str:
    """Return what figures were measured on: the GPU, or the CPU and the threads of each process."""
    return host.gpu or f"{host.cpu}, {omp_num_threads} threads"


def usable_threads() -> int:
    """Return the hardware threads that this process may keep busy. A container may have fewer than the machine.

    It is limited by a set of threads, or by a quota of CPU time. More threads than the quota would only stop each
    other.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota_cores()
    return allowed if quota is None else max(1, min(allowed, int(quota)))


def usable_memory_bytes() -> int:
    """Return the memory of the machine, or of the container if that has less."""
    return min(psutil.virtual_memory().total, memory_limit_bytes() or UNLIMITED_BYTES)


def free_memory_bytes() -> int:
    """Return the memory that may be allocated now without swapping or being killed."""
    free, of_container = psutil.virtual_memory().available, memory_free_bytes()
    return free if of_container is None else min(free, of_container)


def training_threads() -> int:
    """Return OMP_NUM_THREADS of the workers: the user's, else the physical cores that may be used."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    return min(psutil.cpu_count(logical=False) or usable_threads(), usable_threads())


def source_commit() -> str | None:
    """Return the git commit of the harness, with "+changes" if the source differs from it; None outside a checkout."""
    if INSTALLED:  # The repository around an environment belongs to another project.
        return None
    command = ["git", "-C", str(SOURCE_ROOT), "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.splitlines()
        commits = [line.split()[-1] for line in lines if line.startswith("# branch.oid")]
        sources = ("harness/", "adapters/", "recipes/")
        changed = any(not line.startswith("#") and line.split()[8].startswith(sources) for line in lines)
        if commits and commits[0] != "(initial)":
            return commits[0] + ("+changes" if changed else "")
    return None


def memory_bytes_of(device: str) -> int:
    """Return all memory of the GPU that a run uses, or of the machine."""
    gpu = first_gpu() if device == "cuda" else None
    return gpu.memory_bytes if gpu is not None else usable_memory_bytes()


def out_of_memory_kills() -> int:
    """Return how many processes the kernel has killed for lack of memory since its start; 0 if it does not say."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text(encoding="utf-8").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def tree_of(pid: int) -> frozenset[int]:
    """Return a process and its living descendants."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return frozenset({pid, *(child.pid for child in process.children(recursive=True))})
    return frozenset({pid})


def resident_bytes(pids: frozenset[int]) -> int:
    """Return the sum of the resident sets of the processes that still live."""
    total = 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            total += psutil.Process(pid).memory_info().rss
    return total


def _numa_nodes() -> int | None:
    """Return the number of NUMA nodes; None if the system does not say."""
    return len(list(NUMA.glob("node[0-9]*"))) or None


def _text_of(path: Path) -> str | None:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="ascii").strip() or None
    return None


def cpu_name() -> str:
    """Return the CPU's name as the system gives it."""
    return _cpu_line("model name") or platform.processor() or platform.machine()


def _cpu_line(*names: str) -> str:
    """Return the first line of these names in /proc/cpuinfo; empty if there is none."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(names):
                return line.partition(":")[2].strip()
    return ""
