"""The one GPU that a run uses, as NVML describes it. Without a GPU everything here says so and nothing fails."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import pynvml

from harness.machine.visible_devices import driver_version, visible_device


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """What does not change while the machine is up."""

    name: str
    uuid: str
    memory_bytes: int
    driver_version: str


@functools.cache
def gpu_is_present() -> bool:
    """True if NVML finds a driver and a GPU that a run may use."""
    return first_gpu() is not None


@functools.cache
def first_gpu() -> Gpu | None:
    """Return the first GPU that CUDA_VISIBLE_DEVICES lets a run see; None if there is none."""
    with visible_device() as device:
        if device is None:
            return None
        try:
            return Gpu(
                name=device.name,
                uuid=device.uuid,
                memory_bytes=device.memory_bytes,
                driver_version=driver_version(),
            )
        except pynvml.NVMLError:
            return None
