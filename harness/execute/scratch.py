"""The folder in which a run's workers write, and the ones that killed runs left behind."""

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
"""File in a scratch folder that names its process."""


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for what frameworks write. It is always removed at the end; that of a killed run, by the next run."""
    remove_left_behind(Path(tempfile.gettempdir()))
    path = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX))
    (path / OWNER).write_text(json.dumps(_this_process()), encoding="utf-8")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def remove_left_behind(place: Path) -> None:
    """Remove the scratch folders of this user's runs that were killed on this machine."""
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
    """Return when a process began; it tells the process from a later one with the same id. None if there is none."""
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).create_time()
    return None


def _process_space() -> str:
    """Return the space of process ids: containers may share a temporary folder but count processes separately."""
    with contextlib.suppress(OSError):
        return f"{Path('/proc/self/ns/pid').readlink()} {psutil.boot_time():.0f}"
    return f"{platform.node()} {psutil.boot_time():.0f}"
