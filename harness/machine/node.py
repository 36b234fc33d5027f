"""Which machine of its kind this is: one run may go on over several, and each round is whole on one of them."""

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
    """One machine of its kind. Nothing in it tells the machine's name or its owner's."""

    node: str
    """Names it in cells."""
    gpu_uuid: str | None = None
    host: str = ""
    """A digest of the machine's name."""
    boot: str = ""
    """A digest of what differs after each start of the machine."""
    chip: Chip | None = None
    """Its ceilings, once they are measured."""


def this_node() -> Node:
    """This machine as it is up now."""
    gpu = first_gpu()
    uuid, host, boot = None if gpu is None else gpu.uuid, _digest(platform.node()), _digest(_boot())
    return Node(node=_digest(f"{uuid} {host} {boot}"), gpu_uuid=uuid, host=host, boot=boot)


def _boot() -> str:
    """What differs after each start of the machine; empty where the system does not tell."""
    with contextlib.suppress(OSError):
        return BOOT.read_text(encoding="ascii").strip()
    return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
