"""Which machine of its kind this is: one run may go on over several, and each round is whole on one of them."""

from __future__ import annotations

import contextlib
import hashlib
import platform
from pathlib import Path
from typing import Any

from harness.machine.gpu import first_gpu

BOOT = Path("/proc/sys/kernel/random/boot_id")
DIGITS = 8


def this_node() -> dict[str, Any]:
    """This machine as it is up now; `node` names it in cells. Nothing in it tells its name or its owner's."""
    gpu = first_gpu()
    identity = {
        "gpu_uuid": None if gpu is None else gpu.uuid,
        "host": _digest(platform.node()),
        "boot": _digest(_boot()),
    }
    return {"node": _digest(" ".join(map(str, identity.values()))), **identity}


def _boot() -> str:
    """What differs after each start of the machine; empty where the system does not tell."""
    with contextlib.suppress(OSError):
        return BOOT.read_text(encoding="ascii").strip()
    return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
