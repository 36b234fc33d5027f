"""One harness per GPU at a time, on a GPU that nobody else uses, and no cell before the last one's memory is back."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import GpuBusyError
from harness.execute.host import Device
from harness.measure.gpu import Gpu, first_gpu
from harness.measure.nvml import visible_device

IDLE_BYTES = 2 * 2**30
"""More than a driver keeps of an idle GPU for itself, a large one with error correction included."""
RETURNED_BYTES = 64 * 2**20
"""Memory that is within this of what was held before the run has come back."""
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuGate:
    """What was held on the GPU before the run, and the wait until no more than that is held again."""

    gpu: Gpu | None
    """None on a CPU, where nothing is waited for."""
    base_bytes: int = 0
    shared_with: str = ""
    """What used the GPU when the run began, by `--allow-busy`; empty if nothing did."""
    context_bytes: int = 0
    """Held by each worker that waits for its turn (`--start ahead`)."""

    def knowing_contexts(self, waiting: int) -> GpuGate:
        """The gate while only `waiting` workers, which have imported, are on the GPU: it learns what each holds."""
        held = max(0, _held_bytes() - self.base_bytes)
        return dataclasses.replace(self, context_bytes=held // waiting if waiting else 0)

    def held_by(self, waiting: int) -> int:
        """Bytes that are held before the run and by workers that wait: no cell is charged for them."""
        return self.base_bytes + self.context_bytes * waiting

    def wait_until_free(self, waiting: int = 0, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Return when the last process's memory is back. Raises GpuBusyError if it does not come back."""
        if self.gpu is None or self.shared_with:
            return
        deadline = time.monotonic() + patience_seconds
        while (held := _held_bytes() - self.held_by(waiting)) > RETURNED_BYTES:
            if time.monotonic() > deadline:
                raise GpuBusyError(
                    f"{_name(self.gpu)} holds {held / 2**30:.1f} GiB more than before the run, for "
                    f"{patience_seconds:.0f} s: another process uses it. What was measured is kept; when it is free, "
                    "--resume goes on"
                )
            time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def hold_gpu(device: Device, *, allow_busy: bool) -> Iterator[GpuGate]:
    """Keep other harnesses off the GPU, and refuse one that is in use. Raises GpuBusyError."""
    gpu = first_gpu() if device == "cuda" else None
    if gpu is None:
        yield GpuGate(gpu=None)
        return
    with _only_harness(gpu):
        users = _users()
        if users and not allow_busy:
            raise GpuBusyError(
                f"{_name(gpu)} is in use: {users}. Stop that, or choose another with CUDA_VISIBLE_DEVICES; "
                "--allow-busy measures all the same, and the report says so"
            )
        yield GpuGate(gpu=gpu, base_bytes=_held_bytes(), shared_with=users)


def _users() -> str:
    """Who else uses the GPU, in words; empty if nobody does."""
    with visible_device() as device:
        if device is None:
            return ""
        running = device.processes()
        if running:
            told = (f"process {pid} holds {held / 2**30:.1f} GiB" for pid, held in sorted(running.items()))
            return ", ".join(told)
        used = device.used_bytes() or 0
        return f"{used / 2**30:.1f} GiB are held by processes that are not listed" if used > IDLE_BYTES else ""


def _held_bytes() -> int:
    with visible_device() as device:
        return 0 if device is None else device.used_bytes() or 0


@contextlib.contextmanager
def _only_harness(gpu: Gpu) -> Iterator[None]:
    """A name in the kernel's abstract socket space: every user of the machine meets it, and no file outlives it."""
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
