"""One harness per GPU at a time, on an idle GPU, and no cell before the memory of the last one is back."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from harness.errors import GpuBusyError
from harness.execute.worker_process import Device
from harness.machine.clock import now
from harness.machine.gpu import Gpu, first_gpu
from harness.machine.nvml import Device as NvmlDevice
from harness.machine.visible_devices import visible_device

IDLE_BYTES = 2 * 2**30
"""More than a driver keeps for itself on an idle GPU, even on a large one with error correction."""
IDLE_PERCENT = 10
"""Share of the driver's last sampling period. Work that has just ended may still count, so it is read several times."""
BUSY_LOOKS, BUSY_POLL_SECONDS = 3, 0.5
RETURNED_BYTES = 64 * 2**20
"""Memory has come back if it is within this of what was held before the cell."""
PATIENCE_SECONDS = 20.0
"""A driver returns memory within a second or two. What takes longer belongs to another user; the run goes on."""
POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """One reading of the GPU's memory, in bytes."""

    used: int = 0
    by_process: Mapping[int, int] = field(default_factory=dict)
    """Memory of the processes that NVML lists. In a container their ids may be the host's, which match no process here.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """The GPU just before a cell's turn."""

    framework: str
    worker: int | None
    """The waiting process that becomes the cell; None if the process is yet to be started."""
    held: Held
    own_bytes: int | None
    """What that worker holds of it; None if unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Left:
    """The GPU after a cell has ended."""

    others_bytes: int = 0
    """What all but the cell held while it ran: the driver, other users, waiting workers. No cell is charged for it."""
    not_returned_bytes: int = 0
    """Bytes still held beyond that when the wait for them was over; 0 if all came back."""
    since: str = ""
    """When the cell ended, if some memory did not come back."""


NOTHING_LEFT = Left()
"""For a cell on a CPU."""


@dataclass(slots=True)
class GpuGate:
    """Reads the GPU before and after each cell, and learns from that what waiting workers hold."""

    gpu: Gpu | None
    """None on a CPU, where the gate waits for nothing."""
    shared_with: str = ""
    """Who used the GPU when the run began (`--allow-busy`); empty if nobody did."""
    patience_seconds: float = PATIENCE_SECONDS
    _freed: dict[str, int] = field(default_factory=dict)
    """By framework, the least by which the GPU's memory fell when one of its workers ended."""

    def before_cell(self, framework: str, worker: int | None = None) -> Turn:
        """Read the GPU before a cell, with only waiting workers on it; `worker` is the one whose turn it is."""
        held = _look() if self.gpu is not None else Held()
        own_bytes: int | None = 0
        if worker is not None:
            own_bytes = held.by_process.get(worker, self._freed.get(framework))
        return Turn(framework=framework, worker=worker, held=held, own_bytes=own_bytes)

    def after_cell(self, turn: Turn, *, is_listed: bool = False) -> Left:
        """Wait until the cell's memory is back, or until PATIENCE_SECONDS have passed, and return what was found.

        Missing memory ends no run; it is recorded. `is_listed`: whether NVML listed the cell's process, so that its ids
        are those of this machine.
        """
        if self.gpu is None:
            return NOTHING_LEFT
        ended, began = now(), time.monotonic()
        before = _Settling(turn.held, turn.own_bytes or 0, turn.worker if is_listed else None, is_listed=is_listed)
        while not before.is_back(held := _look()):
            if self.shared_with or time.monotonic() - began > self.patience_seconds:
                break
            time.sleep(POLL_SECONDS)
        missing = before.missing(held)
        fell = turn.held.used - held.used
        if turn.worker is not None and missing <= RETURNED_BYTES:
            self._freed[turn.framework] = max(0, min(fell, self._freed.get(turn.framework, fell)))
        own_bytes = turn.own_bytes if turn.own_bytes is not None else max(0, fell)
        if missing <= RETURNED_BYTES or self.shared_with:
            return Left(others_bytes=turn.held.used - own_bytes)
        return Left(others_bytes=turn.held.used - own_bytes, not_returned_bytes=missing, since=ended)


class _Settling:
    """The wait until no more is held than before a cell, its worker not counted."""

    def __init__(self, before: Held, own_bytes: int, worker: int | None, *, is_listed: bool) -> None:
        self.before = before
        self.own_bytes = own_bytes
        self.worker = worker
        self.is_listed = is_listed
        self._last: int | None = None

    def missing(self, held: Held) -> int:
        """Bytes that are held beyond those before the cell. What processes other than the cell hold is not missing."""
        due = self.before.used - self.own_bytes
        if self.is_listed:
            due += self._of_others(held) - self._of_others(self.before)
        return max(0, held.used - due)

    def is_back(self, held: Held) -> bool:
        """True if nothing is missing and nothing fell since the last reading."""
        settled = self._last is not None and held.used >= self._last
        self._last = held.used
        return settled and self.missing(held) <= RETURNED_BYTES

    def _of_others(self, held: Held) -> int:
        return sum(used for pid, used in held.by_process.items() if pid != self.worker)


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
                "--allow-busy measures all the same, and the report says so"
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


def _look() -> Held:
    with visible_device() as device:
        if device is None:
            return Held()
        return Held(used=device.used_bytes() or 0, by_process=device.processes())


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
