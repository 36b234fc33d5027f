"""What else the machine did while a cell ran: other processes' CPU time, and swapping."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

from harness.machine.container import throttled_share, throttling


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Beside the cell's own processes, over its wall time."""

    other_cpu_cores: float | None
    """CPU time of all other processes (and of other guests of the host, where the system tells), per second."""
    swapped_bytes: int
    """Moved to and from swap space."""
    throttled_share: float | None = None
    """Of the periods of the container's quota of CPU time, in how many it was used up; None without a quota."""


class LoadWatch:
    """Looks at the system's counters when it is made and when it is asked."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._busy = _busy_seconds()
        self._swapped = _swapped_bytes()
        self._throttling = throttling()

    def load(self, own_cpu_seconds: float | None) -> Load:
        """Since it was made; `own_cpu_seconds` is what the cell itself used, if that is known."""
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
    """CPU time per second of everything on the machine, looked at for a while in which this program only waits."""
    watch = LoadWatch()
    time.sleep(seconds)
    return watch.load(own_cpu_seconds=0.0).other_cpu_cores or 0.0


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def _swapped_bytes() -> int:
    swap = psutil.swap_memory()
    return int(swap.sin + swap.sout)
