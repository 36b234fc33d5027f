"""NVML's figures of one device, each None where the device or its driver does not tell it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pynvml

SLOWING_REASONS = {
    pynvml.nvmlClocksEventReasonSwPowerCap: "power cap",
    pynvml.nvmlClocksEventReasonHwSlowdown: "hardware slowdown",
    pynvml.nvmlClocksEventReasonSwThermalSlowdown: "temperature (driver)",
    pynvml.nvmlClocksEventReasonHwThermalSlowdown: "temperature (hardware)",
    pynvml.nvmlClocksEventReasonHwPowerBrakeSlowdown: "power brake",
}
"""The clock event reasons that make work slower than the clocks asked for; idleness and chosen clocks are none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One look at a device; `time` is CLOCK_MONOTONIC seconds, which the cells' events share."""

    time: float
    power_watts: float | None
    energy_joules: float | None
    """Counted by the device since its driver was loaded."""
    used_bytes: int | None
    """By all processes, CUDA's own contexts included."""
    sm_clock_mhz: int | None
    memory_clock_mhz: int | None
    temperature_celsius: int | None
    clock_event_reasons: int | None
    """NVML's bits."""
    busy_percent: int | None
    """Of NVML's last sampling period, in how much some kernel ran."""


class Device:
    """A device of an open connection."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    @property
    def name(self) -> str:
        """As NVML spells it."""
        return text(pynvml.nvmlDeviceGetName(self._handle))

    @property
    def uuid(self) -> str:
        """By which CUDA_VISIBLE_DEVICES can name it too."""
        return text(pynvml.nvmlDeviceGetUUID(self._handle))

    @property
    def memory_bytes(self) -> int:
        """All of it."""
        return int(pynvml.nvmlDeviceGetMemoryInfo(self._handle).total)

    def used_bytes(self) -> int | None:
        """Held by all processes now."""
        memory = asked(pynvml.nvmlDeviceGetMemoryInfo, self._handle)
        return None if memory is None else int(memory.used)

    def processes(self) -> dict[int, int]:
        """Bytes that each process with a CUDA context holds, by process id; in a container ids may be the host's."""
        running = asked(pynvml.nvmlDeviceGetComputeRunningProcesses, self._handle) or []
        return {process.pid: int(process.usedGpuMemory or 0) for process in running}

    def read(self) -> Reading:
        """Everything that changes while a cell runs."""
        handle = self._handle
        milliwatts = asked(pynvml.nvmlDeviceGetPowerUsage, handle)
        millijoules = asked(pynvml.nvmlDeviceGetTotalEnergyConsumption, handle)
        busy = asked(pynvml.nvmlDeviceGetUtilizationRates, handle)
        return Reading(
            time=time.monotonic(),
            power_watts=None if milliwatts is None else milliwatts / 1000,
            energy_joules=None if millijoules is None else millijoules / 1000,
            used_bytes=self.used_bytes(),
            sm_clock_mhz=asked(pynvml.nvmlDeviceGetClockInfo, handle, pynvml.NVML_CLOCK_SM),
            memory_clock_mhz=asked(pynvml.nvmlDeviceGetClockInfo, handle, pynvml.NVML_CLOCK_MEM),
            temperature_celsius=asked(pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU),
            clock_event_reasons=asked(pynvml.nvmlDeviceGetCurrentClocksEventReasons, handle),
            busy_percent=None if busy is None else int(busy.gpu),
        )


def asked(question: Callable[..., Any], *arguments: Any) -> Any:
    """What NVML answers; None if the device, the driver or the permission for it is lacking."""
    try:
        return question(*arguments)
    except (pynvml.NVMLError, OverflowError):
        return None


def text(value: str | bytes) -> str:
    """A name, however the library of this machine gives it."""
    return value.decode() if isinstance(value, bytes) else value
