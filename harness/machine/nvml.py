"""NVML's figures of one device. Each is None if the device or its driver does not give it."""

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
"""Clock event reasons that make work slower than the requested clocks. Idleness and chosen clocks do not count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One sample of a device. `time` is CLOCK_MONOTONIC seconds, as in the cells' events."""

    time: float
    power_watts: float | None
    energy_joules: float | None
    """Counted by the device since its driver was loaded."""
    used_bytes: int | None
    """Held by all processes, CUDA's contexts included."""
    sm_clock_mhz: int | None
    memory_clock_mhz: int | None
    temperature_celsius: int | None
    clock_event_reasons: int | None
    """Bits of NVML."""
    busy_percent: int | None
    """Percent of NVML's last sampling period in which some kernel ran."""


class Device:
    """A device of an open connection."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    @property
    def name(self) -> str:
        """Name as NVML spells it."""
        return text(pynvml.nvmlDeviceGetName(self._handle))

    @property
    def uuid(self) -> str:
        """The UUID; CUDA_VISIBLE_DEVICES can name the device by it."""
        return text(pynvml.nvmlDeviceGetUUID(self._handle))

    @property
    def memory_bytes(self) -> int:
        """All memory of the device."""
        return int(pynvml.nvmlDeviceGetMemoryInfo(self._handle).total)

    def used_bytes(self) -> int | None:
        """Memory that all processes hold now."""
        memory = asked(pynvml.nvmlDeviceGetMemoryInfo, self._handle)
        return None if memory is None else int(memory.used)

    def processes(self) -> dict[int, int]:
        """Return the bytes of each process with a CUDA context, by process id. In a container ids may be the host's."""
        running = asked(pynvml.nvmlDeviceGetComputeRunningProcesses, self._handle) or []
        return {process.pid: int(process.usedGpuMemory or 0) for process in running}

    def read(self) -> Reading:
        """Return everything that changes while a cell runs."""
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
    """Return NVML's answer; None if the device, the driver or the permission for it is lacking."""
    try:
        return question(*arguments)
    except (pynvml.NVMLError, OverflowError):
        return None


def text(value: str | bytes) -> str:
    """Return a name as text, whichever type this machine's library gives."""
    return value.decode() if isinstance(value, bytes) else value
