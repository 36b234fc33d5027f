"""What NVML tells about the GPU; on a machine without one everything here says so and nothing fails."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass

import pynvml


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """The first GPU that NVML lists."""

    name: str
    uuid: str
    memory_bytes: int
    driver_version: str


@functools.cache
def gpu_is_present() -> bool:
    """Whether NVML finds a driver and at least one GPU."""
    return first_gpu() is not None


@functools.cache
def first_gpu() -> Gpu | None:
    """The GPU that a run uses, or None."""
    try:
        with _nvml():
            if not pynvml.nvmlDeviceGetCount():
                return None
            handle = pynvml.nvmlDeviceGetHandleByIndex(0)
            return Gpu(
                name=_text(pynvml.nvmlDeviceGetName(handle)),
                uuid=_text(pynvml.nvmlDeviceGetUUID(handle)),
                memory_bytes=int(pynvml.nvmlDeviceGetMemoryInfo(handle).total),
                driver_version=_text(pynvml.nvmlSystemGetDriverVersion()),
            )
    except pynvml.NVMLError:
        return None


class GpuMemoryWatch:
    """Peak of what NVML says one process tree holds on the first GPU, by sampling; None where there is no GPU."""

    def __init__(self) -> None:
        self.peak_bytes: int | None = None

    def sample(self, pids: frozenset[int]) -> None:
        """Look once; a process that NVML does not list holds nothing."""
        if not gpu_is_present():
            return
        with contextlib.suppress(pynvml.NVMLError), _nvml():
            handle = pynvml.nvmlDeviceGetHandleByIndex(0)
            running = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
            used = sum(process.usedGpuMemory or 0 for process in running if process.pid in pids)
            self.peak_bytes = max(self.peak_bytes or 0, used)


@contextlib.contextmanager
def _nvml() -> Iterator[None]:
    pynvml.nvmlInit()
    try:
        yield
    finally:
        pynvml.nvmlShutdown()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
