"""What NVML tells about the one GPU that a run uses; without one everything here says so and nothing fails."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pynvml


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """A GPU as NVML describes it."""

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
    """The GPU that a run uses, the first that CUDA_VISIBLE_DEVICES lets it see; None if there is none."""
    try:
        with _nvml():
            if not pynvml.nvmlDeviceGetCount():
                return None
            handle = _handle(os.environ.get("CUDA_VISIBLE_DEVICES"))
            if handle is None:
                return None
            return Gpu(
                name=_text(pynvml.nvmlDeviceGetName(handle)),
                uuid=_text(pynvml.nvmlDeviceGetUUID(handle)),
                memory_bytes=int(pynvml.nvmlDeviceGetMemoryInfo(handle).total),
                driver_version=_text(pynvml.nvmlSystemGetDriverVersion()),
            )
    except pynvml.NVMLError:
        return None


class GpuMemoryWatch:
    """Peak of what NVML says one process tree holds on the GPU, by sampling; None where it was never listed."""

    def __init__(self) -> None:
        self.peak_bytes: int | None = None

    def sample(self, pids: frozenset[int]) -> None:
        """Look once; in a container NVML may list other process ids, and then nothing is known."""
        gpu = first_gpu()
        if gpu is None:
            return
        with contextlib.suppress(pynvml.NVMLError), _nvml():
            handle = pynvml.nvmlDeviceGetHandleByUUID(gpu.uuid)
            running = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
            used = [process.usedGpuMemory or 0 for process in running if process.pid in pids]
            if used:
                self.peak_bytes = max(self.peak_bytes or 0, sum(used))


def _handle(visible: str | None) -> Any:
    """NVML's handle of the first visible device; None if CUDA_VISIBLE_DEVICES hides them all."""
    if visible is None:
        return pynvml.nvmlDeviceGetHandleByIndex(0)
    first = visible.split(",")[0].strip()
    if first.isdecimal():
        return pynvml.nvmlDeviceGetHandleByIndex(int(first))
    return pynvml.nvmlDeviceGetHandleByUUID(first) if first.startswith(("GPU-", "MIG-")) else None


@contextlib.contextmanager
def _nvml() -> Iterator[None]:
    pynvml.nvmlInit()
    try:
        yield
    finally:
        pynvml.nvmlShutdown()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
