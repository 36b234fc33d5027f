"""The memory of a cell's process tree, sampled while it runs, and its limit on a CPU."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.execute.events import Event, MemoryHeld
from harness.machine.background_load import LoadWatch
from harness.machine.gpu_watch import GpuWatch
from harness.machine.host import resident_bytes, tree_of

SAMPLE_SECONDS = 1.0
"""Seconds between readings of the process tree. The main process reports its exact peak when it ends."""


class TreeWatch:
    """Peaks over the cell's process tree, sampled."""

    def __init__(self, pid: int, on_event: Callable[[Event], None], waiting_pids: frozenset[int]) -> None:
        self.pid = pid
        self.on_event = on_event
        self.training_ended = False
        self.tree_peak_bytes = 0
        self.resident_bytes = 0
        self.gpu = GpuWatch(waiting_pids)
        self.load = LoadWatch()
        self._next = 0.0

    def sample(self) -> None:
        """Read the tree's memory, at most once per SAMPLE_SECONDS."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + SAMPLE_SECONDS
        pids = tree_of(self.pid)
        resident = self.resident_bytes = resident_bytes(pids)
        if len(pids) > 1 and not self.training_ended:
            self.tree_peak_bytes = max(self.tree_peak_bytes, resident)
        self.on_event(MemoryHeld(resident_bytes=resident))
        self.gpu.own_pids = pids

    def excess(self, limit_bytes: int | None) -> str:
        """Return that the tree holds more than a limit, in words; empty if it does not."""
        if limit_bytes is None or self.resident_bytes <= limit_bytes:
            return ""
        return f"held more than the {limit_bytes / 2**30:.2f} GiB that it may"
