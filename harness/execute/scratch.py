"""The folder in which a run's workers write, and those that killed runs have left behind."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from harness.files.locations import SCRATCH_PREFIX

OWNER = "owner.json"
"""In a scratch folder: which process it is of."""


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for what frameworks write, removed at the end whatever happens: of a killed run, by the next."""
    remove_left_behind(Path(tempfile.gettempdir()))
    path = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX))
    (path / OWNER).write_text(json.dumps(_this_process()), encoding="utf-8")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def remove_left_behind(place: Path) -> None:
    """The scratch folders of this user's runs that were killed on this machine."""
    here = _this_process()
    for marker in place.glob(f"{SCRATCH_PREFIX}*/{OWNER}"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            owner = json.loads(marker.read_text(encoding="utf-8"))
            is_known = owner["processes"] == here["processes"] and marker.stat().st_uid == os.getuid()
            if is_known and _started(owner["pid"]) != owner["started"]:
                shutil.rmtree(marker.parent, ignore_errors=True)


def _this_process() -> dict[str, Any]:
    return {"pid": os.getpid(), "started": _started(os.getpid()), "processes": _process_space()}


def _started(pid: int) -> float | None:
    """When a process began, which tells it from a later one of the same id; None if there is none."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).create_time()
    return None


def _process_space() -> str:
    """What process ids mean here: containers that share a folder for temporary files count their own."""
    with contextlib.suppress(OSError):
        return f"{Path('/proc/self/ns/pid').readlink()} {psutil.boot_time():.0f}"
    return f"{platform.node()} {psutil.boot_time():.0f}"
