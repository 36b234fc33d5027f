"""Inside a cell's process: the Recorder that adapters report to. Standard library only; torch if it is loaded.

It writes a line of JSON per event to the cell's pipe at once. Times are CLOCK_MONOTONIC seconds, which all processes of
a machine share.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from harness.worker.cuda_clock import CudaClock
from harness.worker.phase_peaks import PhasePeaks


class MeasuredEnough(BaseException):
    """Raised in the framework's loop after a cell's last step. A framework's `except Exception` does not catch it."""


class EventRecorder:
    """See adapters.base.Recorder. `enough` (job.experiment.Enough and `warmup_steps`) may end the cell early."""

    def __init__(self, pipe: int, last_step: int, enough: dict[str, Any] | None = None) -> None:
        self.pipe = pipe
        self.last_step = last_step
        self.enough = enough
        self.steps = 0
        self.steady_since = 0.0
        self.logged = 0
        self.own_seconds = 0.0
        self._clock: CudaClock | None = None
        self._memory = PhasePeaks(None)

    def emit(self, kind: str, **values: object) -> None:
        """Write one event."""
        line = json.dumps({"event": kind, **values}, default=str) + "\n"
        os.write(self.pipe, line.encode())

    def training_begins(self, live: Any) -> None:
        """Record the memory of the load, then start the clocks."""
        cuda = cuda_in_use()
        self._memory = PhasePeaks(cuda)
        self.emit("phase_peaks", phase="load", **self._memory.end_of_phase())
        self._clock = None if cuda is None else CudaClock(cuda)
        began = time.monotonic() if self._clock is None else self._clock.began
        self.emit("training_begins", time=began, cpu_seconds=time.process_time())

    def step_ends(self) -> None:
        """Record the host's time now. On CUDA the device's times follow after the last step."""
        now, cpu_seconds = time.monotonic(), time.process_time()
        if self.steps == self.last_step and self.enough is not None:
            # Some frameworks log a step only when the next one has begun.
            return
        if self._clock is not None:
            self._clock.mark()
        self.steps += 1
        self.emit("step_ends", step=self.steps, time=now, cpu_seconds=cpu_seconds)
        if self.steps == 1 < self.last_step:
            self.emit("phase_peaks", phase="first_step", **self._memory.end_of_phase())
        if self._is_enough(now):
            self.last_step = self.steps
        self.own_seconds += time.monotonic() - now
        if self.steps == self.last_step:
            # Now, not later: some frameworks save the model after training, which does not belong to the job.
            self._end_of_training()
            self._stop_if_all_is_recorded()

    def step_logged(
        self, step: int, *, loss: float, grad_norm: float | None = None, learning_rate: float | None = None
    ) -> None:
        """Record the framework's figures."""
        now = time.monotonic()
        self.emit("step_logged", step=step, loss=loss, grad_norm=grad_norm, learning_rate=learning_rate)
        self.logged = step
        self.own_seconds += time.monotonic() - now
        self._stop_if_all_is_recorded()

    def fact(self, name: str, value: object) -> None:
        """Record a fact that was read back."""
        self.emit("fact", name=name, value=value)

    def _is_enough(self, now: float) -> bool:
        """True if this step may be the last, though the job has more."""
        if self.enough is None:
            return False
        if self.steps == self.enough["warmup_steps"]:
            self.steady_since = now
        if self.steps < self.enough["least_steps"]:
            return False
        return now - self.steady_since >= float(self.enough["least_steady_seconds"])

    def _stop_if_all_is_recorded(self) -> None:
        if self.enough is not None and self.steps == self.last_step <= self.logged:
            raise MeasuredEnough

    def _end_of_training(self) -> None:
        if self._clock is not None:
            self.emit("device_times", **self._clock.times())
        self.emit("phase_peaks", phase="steady", **self._memory.end_of_phase())
        self.emit("peak_memory", **self._memory.peaks, **self._memory.allocator_troubles())
        self.emit("own_time", seconds=self.own_seconds)


def cuda_in_use() -> Any:
    """Return torch.cuda if this process has begun to use it, else None."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return None
    return torch.cuda
