"""Which machine of its kind this is. A run may go on over several; each round stays on one."""

from __future__ import annotations

import contextlib
import hashlib
import platform
from dataclasses import dataclass
from pathlib import Path

from harness.machine.chip import Chip
from harness.machine.gpu import first_gpu

BOOT = Path("/proc/sys/kernel/random/boot_id")
DIGITS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One machine of its kind, without its name or its owner's."""

    node: str
    """Its name in cells."""
    gpu_uuid: str | None = None
    host: str = ""
    """Digest of the machine's name."""
    boot: str = ""
    """Digest of what changes with each start of the machine."""
    chip: Chip | None = None
    """Its ceilings, once they are measured."""


def this_node() -> Node:
    """Return this machine in its present boot."""
    gpu = first_gpu()
    uuid, host, boot = None if gpu is None else gpu.uuid, _digest(platform.node()), _digest(_boot())
    return Node(node=_digest(f"{uuid} {host} {boot}"), gpu_uuid=uuid, host=host, boot=boot)


def _boot() -> str:
    """Return what changes with each start of the machine; empty if the system does not say."""
    with contextlib.suppress(OSError):
        return BOOT.read_text(encoding="ascii").strip()
    return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
