"""Inside a cell's process on CUDA: when its steps ended on the device, without a synchronisation between them.

Work is queued ahead of the device, so the host's clock at a step's end says when it was queued. An event per step,
recorded on the stream that the framework computes on, is stamped by the device when the work before it is done.
"""

from __future__ import annotations

import time
from typing import Any


class CudaClock:
    """Anchored to the host's clock by one synchronisation before the first step."""

    def __init__(self, cuda: Any) -> None:
        self._cuda = cuda
        cuda.synchronize()
        self.began = time.monotonic()
        """CLOCK_MONOTONIC seconds at which the first event was recorded on an idle device."""
        self._events = [self._recorded()]

    def mark(self) -> None:
        """A step's work has been queued."""
        self._events.append(self._recorded())

    def times(self) -> dict[str, Any]:
        """Wait for the device; each mark in seconds after `began`, and what the host's clock says of the last one.

        The two differ by the moment that the synchronisation takes to return; more means that one of them is wrong.
        """
        self._cuda.synchronize()
        host_seconds = time.monotonic() - self.began
        first, *marks = self._events
        return {"seconds": [first.elapsed_time(mark) / 1000 for mark in marks], "host_seconds": host_seconds}

    def _recorded(self) -> Any:
        event = self._cuda.Event(enable_timing=True)
        event.record()
        return event
