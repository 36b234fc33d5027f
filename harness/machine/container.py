"""The limits of a container or a scheduler's job: those of this process's control groups.

Version 2 of the kernel's interface has one tree for all resources, version 1 one tree for each. A limit holds for
everything below it, so the smallest limit of a group and of its parents counts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

GROUPS = Path("/proc/self/cgroup")
TREES = Path("/sys/fs/cgroup")
UNLIMITED_BYTES = 1 << 60
"""Version 1 writes a number of about this size if there is no limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Throttling:
    """How often a quota of CPU time has stopped a group's processes since the group was made."""

    periods: int = 0
    """Periods in which any of them ran."""
    throttled: int = 0
    """Periods in which they used up the quota."""


def cpu_quota_cores(groups: Path = GROUPS, trees: Path = TREES) -> float | None:
    """Return the CPU seconds per second that all processes of this container may use together; None without a limit."""
    quotas = []
    for folder in _folders("cpu", groups, trees):
        words = _words(folder / "cpu.max") or _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        if len(words) == 2 and words[0].isdecimal() and int(words[1]) > 0:
            quotas.append(int(words[0]) / int(words[1]))
    return min(quotas, default=None)


def memory_limit_bytes(groups: Path = GROUPS, trees: Path = TREES) -> int | None:
    """Return the memory that all processes of this container may hold together; None without a limit."""
    return min((limit for _, limit in _memory_limits(groups, trees)), default=None)


def memory_free_bytes(groups: Path = GROUPS, trees: Path = TREES) -> int | None:
    """Return what the container may still allocate; unused cached files count as free. None without a limit."""
    free = []
    for folder, limit in _memory_limits(groups, trees):
        used = _number(folder, "memory.current", "memory.usage_in_bytes")
        if used is not None:
            stat = _counters(folder / "memory.stat")
            cached = stat.get("total_inactive_file", stat.get("inactive_file", 0))
            free.append(max(0, limit - used + cached))
    return min(free, default=None)


def throttling(groups: Path = GROUPS, trees: Path = TREES) -> dict[Path, Throttling]:
    """Return how often each quota has been used up, by the folder of its group."""
    found = {}
    for folder in _folders("cpu", groups, trees):
        stat = _counters(folder / "cpu.stat")
        if "nr_periods" in stat:
            found[folder] = Throttling(periods=stat["nr_periods"], throttled=stat.get("nr_throttled", 0))
    return found


def throttled_share(before: Mapping[Path, Throttling], after: Mapping[Path, Throttling]) -> float | None:
    """Return the largest share of periods in which a quota was used up; None without an active quota."""
    shares = []
    for folder, now in after.items():
        then = before.get(folder, Throttling())
        if (periods := now.periods - then.periods) > 0:
            shares.append((now.throttled - then.throttled) / periods)
    return max(shares, default=None)


def _memory_limits(groups: Path, trees: Path) -> Iterator[tuple[Path, int]]:
    """Yield each group with a limit, and the limit in bytes."""
    for folder in _folders("memory", groups, trees):
        limit = _number(folder, "memory.max", "memory.limit_in_bytes")
        if limit is not None and limit < UNLIMITED_BYTES:
            yield folder, limit


def _folders(controller: str, groups: Path, trees: Path) -> Iterator[Path]:
    """Yield the group of this process and its parents, nearest first, in the tree that has the controller."""
    for line in _lines(groups):
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if controller in names.split(","):
            tree = next((folder for folder in (trees / names, trees / controller) if folder.is_dir()), None)
        else:
            tree = trees if number == "0" and not names else None
        if tree is None:
            continue
        group = tree / path.strip().lstrip("/")
        # A container may see its group as the root of the tree, under another path than the kernel's.
        while group != tree and not group.is_dir():
            group = group.parent
        yield group
        while group != tree:
            group = group.parent
            yield group


def _lines(path: Path) -> list[str]:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8").splitlines()
    return []


def _number(folder: Path, *names: str) -> int | None:
    """Return the number in the first of the files that exists, if it is a number."""
    words = next((found for name in names if (found := _words(folder / name))), ["max"])
    return int(words[0]) if words[0].isdecimal() else None


def _counters(path: Path) -> dict[str, int]:
    words = _words(path)
    return {name: int(count) for name, count in zip(words[::2], words[1::2], strict=False) if count.isdecimal()}


def _words(path: Path) -> list[str]:
    return [word for line in _lines(path) for word in line.split()]
