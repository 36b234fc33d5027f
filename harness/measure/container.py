"""What a container, or a scheduler's job, may use of its machine: the limits of the control groups of this process.

Version 2 of the kernel's interface has one tree for all resources, version 1 one for each. A limit holds for everything
below it, so the least one of a group and of those above it counts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GROUPS = Path("/proc/self/cgroup")
TREES = Path("/sys/fs/cgroup")
UNLIMITED_BYTES = 1 << 60
"""Version 1 writes a number about as large where there is no limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Throttling:
    """How often a quota of CPU time has stopped the processes of this container since it was made."""

    periods: int = 0
    """In which any of them ran."""
    throttled: int = 0
    """Of those, the ones in which the quota was used up."""


def cpu_quota_cores(groups: Path = GROUPS, trees: Path = TREES) -> float | None:
    """CPU seconds a second that all processes of this container may use together; None without a limit."""
    quotas = []
    for folder in _folders("cpu", groups, trees):
        words = _words(folder / "cpu.max") or _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        if len(words) == 2 and words[0].isdecimal() and int(words[1]) > 0:
            quotas.append(int(words[0]) / int(words[1]))
    return min(quotas, default=None)


def memory_limit_bytes(groups: Path = GROUPS, trees: Path = TREES) -> int | None:
    """Memory that all processes of this container may hold together; None without a limit."""
    limits = []
    for folder in _folders("memory", groups, trees):
        words = _words(folder / "memory.max") or _words(folder / "memory.limit_in_bytes")
        if words and words[0].isdecimal() and int(words[0]) < UNLIMITED_BYTES:
            limits.append(int(words[0]))
    return min(limits, default=None)


def memory_used_bytes(groups: Path = GROUPS, trees: Path = TREES) -> int | None:
    """Held by the container now, the files in its cache included; None where no group tells."""
    for folder in _folders("memory", groups, trees):
        words = _words(folder / "memory.current") or _words(folder / "memory.usage_in_bytes")
        if words and words[0].isdecimal():
            return int(words[0])
    return None


def throttling(groups: Path = GROUPS, trees: Path = TREES) -> Throttling:
    """Of the group on which a quota is most often used up."""
    found = [Throttling()]
    for folder in _folders("cpu", groups, trees):
        words = _words(folder / "cpu.stat")
        told = {name: int(count) for name, count in zip(words[::2], words[1::2], strict=False) if count.isdecimal()}
        found.append(Throttling(periods=told.get("nr_periods", 0), throttled=told.get("nr_throttled", 0)))
    return max(found, key=lambda one: one.throttled)


def _folders(controller: str, groups: Path, trees: Path) -> Iterator[Path]:
    """The group of this process and those above it, nearest first, in the tree that has the controller."""
    for line in _lines(groups):
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if controller in names.split(","):
            tree = next((one for one in (trees / names, trees / controller) if one.is_dir()), None)
        else:
            tree = trees if number == "0" and not names else None
        if tree is None:
            continue
        own = tree / path.strip().lstrip("/")
        # A container may see its own group as the root of the tree, under another path than the kernel's.
        while own != tree and not own.is_dir():
            own = own.parent
        yield own
        while own != tree:
            own = own.parent
            yield own


def _lines(path: Path) -> list[str]:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8").splitlines()
    return []


def _words(path: Path) -> list[str]:
    return [word for line in _lines(path) for word in line.split()]
