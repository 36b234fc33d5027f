"""The GPU between cells: no cell begins before the memory of the last one is back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.machine.clock import now
from harness.machine.gpu import Gpu
from harness.machine.visible_devices import visible_device

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
    """Memory of the processes that NVML lists. In a container their ids may be the host's and match none here."""


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


def _look() -> Held:
    with visible_device() as device:
        if device is None:
            return Held()
        return Held(used=device.used_bytes() or 0, by_process=device.processes())
