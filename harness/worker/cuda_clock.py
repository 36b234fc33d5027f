"""Inside a cell's process on CUDA: when its steps ended on the device, without a synchronisation between them.

The host queues work ahead of the device, so its clock at a step's end says when the work was queued. The device stamps
an event per step, on the framework's stream, when the work before it is done.
"""

from __future__ import annotations

import time
from typing import Any


class CudaClock:
    """Measures when the device ends each step. A synchronisation before the first step ties it to the host's clock."""

    def __init__(self, cuda: Any) -> None:
        self._cuda = cuda
        cuda.synchronize()
        self.began = time.monotonic()
        """CLOCK_MONOTONIC seconds at which the first event was recorded on an idle device."""
        self._events = [self._recorded()]

    def mark(self) -> None:
        """Record that a step's work has been queued."""
        self._events.append(self._recorded())

    def times(self) -> dict[str, Any]:
        """Wait for the device. Return each mark in seconds after `began`, and the host's time of the last one.

        The two differ by the moment that the synchronisation takes to return. A larger difference means that one is
        wrong.
        """
        self._cuda.synchronize()
        host_seconds = time.monotonic() - self.began
        first, *marks = self._events
        return {"seconds": [first.elapsed_time(mark) / 1000 for mark in marks], "host_seconds": host_seconds}

    def _recorded(self) -> Any:
        event = self._cuda.Event(enable_timing=True)
        event.record()
        return event
