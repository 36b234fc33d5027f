from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.machine.container import (
    Throttling,
    cpu_quota_cores,
    memory_free_bytes,
    memory_limit_bytes,
    throttled_share,
    throttling,
)

GIB = 2**30
FIRST_VERSION = "7:cpu,cpuacct:/box/inner\n4:memory:/box/inner\n0::/\n"
SECOND_VERSION = "0::/box/inner\n"


def group(tree: Path, path: str, **files: str) -> None:
    folder = tree / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="ascii")


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    return tmp_path / "fs"


def test_the_second_version_s_least_limit_counts_from_the_group_up(groups: Path, trees: Path) -> None:
    groups.write_text(SECOND_VERSION, encoding="ascii")
    group(trees, "box/inner", cpu__max="max 100000", memory__max="max", memory__current=f"{GIB}")
    group(trees, "box", cpu__max="150000 100000", memory__max=f"{4 * GIB}", memory__current=f"{2 * GIB}")
    group(trees, "box/inner", cpu__stat="usage_usec 5\nnr_periods 40\nnr_throttled 10\nthrottled_usec 99\n")
    assert cpu_quota_cores(groups, trees) == 1.5
    assert memory_limit_bytes(groups, trees) == 4 * GIB
    assert memory_free_bytes(groups, trees) == 2 * GIB
    assert throttling(groups, trees) == {trees / "box/inner": Throttling(periods=40, throttled=10)}


def test_the_first_version_has_a_tree_for_each_resource(groups: Path, trees: Path) -> None:
    groups.write_text(FIRST_VERSION, encoding="ascii")
    group(trees, "cpu,cpuacct/box/inner", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    group(trees, "cpu,cpuacct/box", cpu__cfs_quota_us="200000", cpu__cfs_period_us="100000", cpu__stat="nr_periods 8")
    group(trees, "memory/box/inner", memory__limit_in_bytes=f"{GIB}", memory__usage_in_bytes="7")
    group(trees, "memory", memory__limit_in_bytes=str(2**63 - 4096))
    assert cpu_quota_cores(groups, trees) == 2.0
    assert memory_limit_bytes(groups, trees) == GIB
    assert memory_free_bytes(groups, trees) == GIB - 7


def test_a_container_that_sees_its_group_as_the_root_is_limited_too(groups: Path, trees: Path) -> None:
    groups.write_text("0::/kubepods/pod1/abc\n", encoding="ascii")
    group(trees, "", cpu__max="50000 100000", memory__max=f"{GIB}")
    assert cpu_quota_cores(groups, trees) == 0.5
    assert memory_limit_bytes(groups, trees) == GIB


@pytest.mark.parametrize("text", ["", "nonsense", "0::/", "1:cpu:/", "0::/../../etc\n"])
def test_without_a_limit_there_is_none(groups: Path, trees: Path, text: str) -> None:
    groups.write_text(text, encoding="ascii")
    trees.mkdir()
    assert cpu_quota_cores(groups, trees) is None
    assert memory_limit_bytes(groups, trees) is None
    assert throttling(groups, trees) == {}


def test_cached_files_are_free_memory(groups: Path, trees: Path) -> None:
    groups.write_text(SECOND_VERSION, encoding="ascii")
    group(trees, "box/inner", memory__max=f"{16 * GIB}", memory__current=f"{15 * GIB}")
    group(trees, "box/inner", memory__stat=f"anon {2 * GIB}\ninactive_file {13 * GIB}\nactive_file 5\n")
    assert memory_free_bytes(groups, trees) == 14 * GIB


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        ({}, {}, None),
        ({"a": (36_000, 0)}, {"a": (36_600, 300)}, 0.5),
        ({"a": (36_000, 0)}, {"a": (36_600, 0)}, 0.0),
        ({"a": (10, 5)}, {"a": (10, 5)}, None),
        ({"a": (0, 0), "b": (100, 90)}, {"a": (100, 40), "b": (200, 95)}, 0.4),
    ],
)
def test_a_share_is_of_the_periods_in_between(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]], share: float | None
) -> None:
    looks = [
        {Path(name): Throttling(periods=periods, throttled=throttled) for name, (periods, throttled) in look.items()}
        for look in (before, after)
    ]
    assert throttled_share(*looks) == share


@contextlib.contextmanager
def real_quota() -> Iterator[Path]:
    """A group of this machine with half a core; the test is skipped where none can be made."""
    tree = Path("/sys/fs/cgroup/cpu")
    folder = tree / f"harness-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / "cpu.cfs_quota_us").write_text("50000", encoding="ascii")
    except OSError as error:
        with contextlib.suppress(OSError):
            folder.rmdir()
        pytest.skip(f"no control group can be made here ({error})")
    try:
        yield folder
    finally:
        folder.rmdir()


def test_a_real_quota_is_seen_and_so_is_that_it_throttles() -> None:
    code = """
import json, sys, time
from harness.machine.container import cpu_quota_cores
from harness.machine.host import usable_threads
from harness.machine.background_load import LoadWatch
sys.stdin.readline()
watch, end = LoadWatch(), time.monotonic() + 1.5
while time.monotonic() < end: pass
print(json.dumps([cpu_quota_cores(), usable_threads(), watch.load(None).throttled_share]))
"""
    with real_quota() as folder:
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        (folder / "cgroup.procs").write_text(str(child.pid), encoding="ascii")
        printed, _ = child.communicate("go\n", timeout=60)
    quota, threads, share = json.loads(printed)
    assert (quota, threads) == (0.5, 1)
    assert share > 0.5
