"""Sample the GPU every 20 ms while a cell runs, and summarise the samples of its steady steps."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy

from harness.machine.nvml import SLOWING_REASONS, Device, Reading
from harness.machine.visible_devices import visible_device

PERIOD_SECONDS = 0.02
LOOKS_PER_PROCESS_LIST = 10
"""Samples per list of the device's processes: the list costs NVML more than everything else together."""


@dataclass(slots=True)
class GpuSeen:
    """Everything that was sampled while a cell ran."""

    readings: list[Reading] = field(default_factory=list)
    process_peak_bytes: int | None = None
    """Memory of the cell's processes; None if NVML never listed one (in a container it may give the host's ids)."""
    other_processes: int = 0
    """Most processes at once that had a context and were neither the cell's nor waiting workers."""
    watching_cpu_seconds: float = 0.0
    """CPU time that sampling took in the controller."""


class GpuWatch:
    """A thread that samples while its `with` is open; does nothing without a GPU."""

    def __init__(self, waiting_pids: frozenset[int] = frozenset()) -> None:
        """`waiting_pids`: this harness's waiting workers. They do not count as other processes."""
        self.seen = GpuSeen()
        self.own_pids: frozenset[int] = frozenset()
        """The cell's processes, as the watch over its memory finds them."""
        self.waiting_pids = waiting_pids
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._look_until_enough, name="gpu-watch", daemon=True)

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def stop(self) -> None:
        """Stop sampling. The samples stay."""
        self._enough.set()
        self._thread.join()

    def _look_until_enough(self) -> None:
        with visible_device() as device:
            if device is None:
                return
            due = time.monotonic()
            while not self._enough.wait(max(0.0, due - time.monotonic())):
                if len(self.seen.readings) % LOOKS_PER_PROCESS_LIST == 0:
                    self._list_processes(device)
                self.seen.readings.append(device.read())
                due = max(due + PERIOD_SECONDS, time.monotonic())
        self.seen.watching_cpu_seconds = time.thread_time()

    def _list_processes(self, device: Device) -> None:
        held = device.processes()
        own_bytes = [held[pid] for pid in self.own_pids if pid in held]
        if own_bytes:
            self.seen.process_peak_bytes = max(self.seen.process_peak_bytes or 0, sum(own_bytes))
            strangers = len(held.keys() - self.own_pids - self.waiting_pids)
        else:
            # If ids are the host's, the list holds the cell too, and some of the waiting workers.
            strangers = len(held) - 1 - len(self.waiting_pids)
        self.seen.other_processes = max(self.seen.other_processes, strangers)


def gpu_figures(seen: GpuSeen, begin: float, end: float, tokens: int) -> dict[str, Any]:
    """Summarise the samples between two times (CLOCK_MONOTONIC seconds), in which the cell trained `tokens`.

    Energy is the device's counter, interpolated between the samples nearest to the two times. Without a counter it is
    power over time. Fewer than two samples give nothing.
    """
    steady = [reading for reading in seen.readings if begin <= reading.time <= end]
    if len(steady) < 2:
        return {}
    figures: dict[str, Any] = {
        "mean_power_watts": _mean([reading.power_watts for reading in steady]),
        "median_sm_clock_mhz": _median([reading.sm_clock_mhz for reading in steady]),
        "median_memory_clock_mhz": _median([reading.memory_clock_mhz for reading in steady]),
        "gpu_busy_share": None if (busy := _mean([reading.busy_percent for reading in steady])) is None else busy / 100,
        "peak_temperature_celsius": max(_known([reading.temperature_celsius for reading in steady]), default=None),
        **_slowed(steady),
    }
    joules, source = _energy(seen.readings, begin, end)
    if joules is not None:
        figures |= {"energy_joules_per_1000_tokens": joules / tokens * 1000, "energy_source": source}
    return figures


def peak_used_bytes(readings: Sequence[Reading], base_bytes: int) -> int | None:
    """Return the most that was held on the device beyond what was held before the run."""
    used = _known([reading.used_bytes for reading in readings])
    return max(0, int(max(used)) - base_bytes) if used else None


def _slowed(readings: Sequence[Reading]) -> dict[str, Any]:
    """Return the share of samples with lowered clocks, and the reasons."""
    bits = [reading.clock_event_reasons for reading in readings if reading.clock_event_reasons is not None]
    if not bits:
        return {}
    slowed = [bit for bit in bits if any(bit & reason for reason in SLOWING_REASONS)]
    reasons = [name for reason, name in SLOWING_REASONS.items() if any(bit & reason for bit in bits)]
    return {"clocks_lowered_share": len(slowed) / len(bits), "clocks_lowered_by": ", ".join(reasons)}


def _energy(readings: Sequence[Reading], begin: float, end: float) -> tuple[float | None, str]:
    """Return the joules between two times, and their source."""
    counted = [(reading.time, reading.energy_joules) for reading in readings if reading.energy_joules is not None]
    if len(counted) > 1:
        times, joules = zip(*counted, strict=True)
        at_begin, at_end = numpy.interp([begin, end], times, joules)
        return float(at_end - at_begin), "counter of the GPU"
    power = [
        (reading.time, reading.power_watts)
        for reading in readings
        if reading.power_watts is not None and begin <= reading.time <= end
    ]
    if len(power) < 2:
        return None, ""
    watt_seconds = sum((later[0] - earlier[0]) * (later[1] + earlier[1]) / 2 for earlier, later in pairwise(power))
    return watt_seconds * (end - begin) / (power[-1][0] - power[0][0]), "power over time"


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _mean(values: Sequence[float | None]) -> float | None:
    known = _known(values)
    return statistics.mean(known) if known else None


def _median(values: Sequence[float | None]) -> float | None:
    known = _known(values)
    return statistics.median(known) if known else None
