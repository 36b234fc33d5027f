"""Inside a cell's process: separate memory peaks of its load, its first step and the later steps."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

RESET_PEAK = "5"
"""Written to /proc/self/clear_refs, this resets the peak of the resident set (man 5 proc)."""


class PhasePeaks:
    """Peaks in bytes since the last phase ended, and over all phases; on CUDA also the allocator's."""

    def __init__(self, cuda: Any) -> None:
        self._cuda = cuda
        self.peaks: dict[str, int] = {}
        """Over all phases so far."""

    def end_of_phase(self) -> dict[str, int]:
        """Return the peaks of the phase that ends now. The next phase begins."""
        now = dict(self._now())
        for name, value in now.items():
            self.peaks[name] = max(self.peaks.get(name, 0), value)
        if self._cuda is not None:
            self._cuda.reset_peak_memory_stats()
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text(RESET_PEAK, encoding="ascii")
        return now

    def allocator_troubles(self) -> dict[str, int]:
        """Return how often torch had to empty its cache and try again: a sign that a cell only just fitted."""
        if self._cuda is None:
            return {}
        stats = self._cuda.memory_stats()
        return {"allocation_retries": int(stats.get("num_alloc_retries", 0))}

    def _now(self) -> dict[str, int]:
        peaks = {}
        if (resident := peak_rss_bytes()) is not None:
            peaks["peak_rss_bytes"] = resident
        if self._cuda is not None:
            peaks["peak_allocated_bytes"] = int(self._cuda.max_memory_allocated())
            peaks["peak_reserved_bytes"] = int(self._cuda.max_memory_reserved())
            free, total = self._cuda.mem_get_info()
            # The CUDA context, libraries' workspaces and other processes: all that torch's allocator does not count.
            peaks["outside_allocator_bytes"] = int(total - free - self._cuda.memory_reserved())
        return peaks


def peak_rss_bytes() -> int | None:
    """Return VmHWM of this process. getrusage would give a forked child its parent's peak."""
    if sys.platform.startswith("linux"):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
