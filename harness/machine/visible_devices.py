"""The device that a run may use: the first that CUDA_VISIBLE_DEVICES names, by CUDA's rules."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import pynvml

from harness.machine.nvml import Device, asked, text

VISIBLE = "CUDA_VISIBLE_DEVICES"
HIDDEN = ("", "-1", "none", "void", "nodevfiles")
"""Values that hide every GPU."""
KINDS = ("GPU-", "MIG-")
"""How the UUIDs of GPUs and of their partitions begin."""


@contextlib.contextmanager
def visible_device() -> Iterator[Device | None]:
    """Return the first device that CUDA_VISIBLE_DEVICES lets a run see; None without a driver or such a device."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield None
        return
    try:
        handle = asked(_visible_handle, os.environ.get(VISIBLE))
        yield None if handle is None else Device(handle)
    finally:
        pynvml.nvmlShutdown()


def driver_version() -> str:
    """Return the version of the driver that NVML is connected to."""
    return text(pynvml.nvmlSystemGetDriverVersion())


def why_no_such_device() -> str:
    """Return why a device that CUDA_VISIBLE_DEVICES names is missing; empty if none is named or it is there."""
    named = _first_named(os.environ.get(VISIBLE))
    if named is None or named.lower() in HIDDEN:
        return ""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return f"{named!r} names a GPU, and this machine has no NVIDIA driver"
    try:
        found = _by_name(named)
        known = ", ".join(_all_devices().values()) or "none"
    finally:
        pynvml.nvmlShutdown()
    if len(found) == 1:
        return ""
    which = "several GPUs" if found else "no GPU"
    return f"{named!r} names {which} of this machine, which has {known}"


def _first_named(visible: str | None) -> str | None:
    return None if visible is None else visible.split(",")[0].strip()


def _visible_handle(visible: str | None) -> Any:
    named = _first_named(visible)
    if named is None:
        return pynvml.nvmlDeviceGetHandleByIndex(0)
    found = [] if named.lower() in HIDDEN else _by_name(named)
    return found[0] if len(found) == 1 else None


def _by_name(named: str) -> list[Any]:
    """Return the devices by the names that CUDA accepts: index, UUID, or a unique beginning of a UUID."""
    if named.isdecimal():
        handle = asked(pynvml.nvmlDeviceGetHandleByIndex, int(named))
        return [] if handle is None else [handle]
    if not named.startswith(KINDS):
        return []
    whole = asked(pynvml.nvmlDeviceGetHandleByUUID, named)
    if whole is not None or named in KINDS:
        return [] if whole is None else [whole]
    begun = [uuid for uuid in _all_devices().values() if uuid.startswith(named)]
    handles = [asked(pynvml.nvmlDeviceGetHandleByUUID, uuid) for uuid in begun]
    return [handle for handle in handles if handle is not None]


def _all_devices() -> dict[Any, str]:
    """Return the UUIDs of all GPUs and all their partitions, in order."""
    found: dict[Any, str] = {}
    for index in range(asked(pynvml.nvmlDeviceGetCount) or 0):
        handle = asked(pynvml.nvmlDeviceGetHandleByIndex, index)
        if handle is None:
            continue
        found[index] = text(pynvml.nvmlDeviceGetUUID(handle))
        for part in range(asked(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0):
            partition = asked(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, part)
            if partition is not None:
                found[index, part] = text(pynvml.nvmlDeviceGetUUID(partition))
    return found
