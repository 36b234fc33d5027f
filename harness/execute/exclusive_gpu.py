"""One harness per GPU at a time, and only on an idle GPU."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import time
from collections.abc import Iterator

from harness.errors import GpuBusyError
from harness.execute.gpu_memory_gate import GpuGate
from harness.execute.worker_process import Device
from harness.machine.gpu import Gpu, first_gpu
from harness.machine.nvml import Device as NvmlDevice
from harness.machine.visible_devices import visible_device

IDLE_BYTES = 2 * 2**30
"""More than a driver keeps for itself on an idle GPU, even on a large one with error correction."""
IDLE_PERCENT = 10
"""Share of the driver's last sampling period. Work that has just ended may still count, so it is read several times."""
BUSY_LOOKS, BUSY_POLL_SECONDS = 3, 0.5


@contextlib.contextmanager
def hold_gpu(device: Device, *, allow_busy: bool) -> Iterator[GpuGate]:
    """Keep other harnesses off the GPU, and refuse a GPU that is in use. Raises GpuBusyError."""
    gpu = first_gpu() if device == "cuda" else None
    if gpu is None:
        yield GpuGate(gpu=None)
        return
    with _only_harness(gpu):
        users = _users()
        if users and not allow_busy:
            raise GpuBusyError(
                f"{_name(gpu)} is in use: {users}. Stop that, or choose another with CUDA_VISIBLE_DEVICES; "
                "--allow-busy measures anyway, and the report says so"
            )
        yield GpuGate(gpu=gpu, shared_with=users)


def _users() -> str:
    """Return who else uses the GPU, in words; empty if nobody does."""
    with visible_device() as device:
        if device is None:
            return ""
        running = device.processes()
        if running:
            processes = (f"process {pid} holds {held / 2**30:.1f} GiB" for pid, held in sorted(running.items()))
            return ", ".join(processes)
        used = device.used_bytes() or 0
        if used > IDLE_BYTES:
            return f"{used / 2**30:.1f} GiB are held by processes that are not listed"
        busy = _least_busy_percent(device)
        return f"processes that are not listed keep it busy for {busy}% of the time" if busy > IDLE_PERCENT else ""


def _least_busy_percent(device: NvmlDevice) -> int:
    """Return the lowest of a few readings. The first idle one is enough."""
    least = device.read().busy_percent or 0
    for _ in range(BUSY_LOOKS):
        if least <= IDLE_PERCENT:
            break
        time.sleep(BUSY_POLL_SECONDS)
        least = min(least, device.read().busy_percent or 0)
    return least


@contextlib.contextmanager
def _only_harness(gpu: Gpu) -> Iterator[None]:
    """Hold a name in the kernel's abstract socket space. All users of the machine share it, and it leaves no file."""
    if not sys.platform.startswith("linux"):
        yield
        return
    with socket.socket(socket.AF_UNIX) as name:
        try:
            name.bind(f"\0finetuning-harness/{gpu.uuid}")
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise GpuBusyError(f"{_name(gpu)} is in use by another run of this harness; wait for its end") from error
        yield


def _name(gpu: Gpu) -> str:
    return f"{gpu.name} ({gpu.uuid})"
