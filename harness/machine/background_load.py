"""What else the machine did while a cell ran: other processes' CPU time, and swapping."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

from harness.machine.container import throttled_share, throttling


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """The machine's load beside the cell's processes, over the cell's wall time."""

    other_cpu_cores: float | None
    """CPU seconds per second of all other processes (and of the host's other guests, if the system says)."""
    swapped_bytes: int
    """Bytes moved to and from swap space."""
    throttled_share: float | None = None
    """Share of the periods of the container's CPU quota in which it was used up; None without a quota."""


class LoadWatch:
    """Reads the system's counters when it is made and when it is asked."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._busy = _busy_seconds()
        self._swapped = _swapped_bytes()
        self._throttling = throttling()

    def load(self, own_cpu_seconds: float | None) -> Load:
        """Return the load since this was made. `own_cpu_seconds`: what the cell itself used, if known."""
        elapsed = time.monotonic() - self._began
        other = None
        if own_cpu_seconds is not None and elapsed > 0:
            other = max(0.0, (_busy_seconds() - self._busy - own_cpu_seconds) / elapsed)
        return Load(
            other_cpu_cores=other,
            swapped_bytes=max(0, _swapped_bytes() - self._swapped),
            throttled_share=throttled_share(self._throttling, throttling()),
        )


def other_cpu_cores(seconds: float = 1.0) -> float:
    """Return the CPU seconds per second of everything on the machine, measured while this program only waits."""
    watch = LoadWatch()
    time.sleep(seconds)
    return watch.load(own_cpu_seconds=0.0).other_cpu_cores or 0.0


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def _swapped_bytes() -> int:
    swap = psutil.swap_memory()
    return int(swap.sin + swap.sout)
