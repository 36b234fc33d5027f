"""Find recorded runs by the names that commands take."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.records.checked_run import CheckedRun
    from harness.records.run_folder import RunFolder


def checked(folder: RunFolder) -> CheckedRun:
    """Return a run as its reports need it. Unreadable parts are named on standard error. Raises RunFolderError."""
    from harness.records.checked_run import read_checked

    run = read_checked(folder)
    for why in run.unreadable:
        sys.stderr.write(f"left out: {why}\n")
    return run


def newest_run() -> RunFolder:
    """Return the run in results/ that was written last. Raises RunFolderError if there is none."""
    from harness.errors import RunFolderError
    from harness.records.run_folder import runs_in

    runs = runs_in(Path("results"))
    if not runs:
        raise RunFolderError("results/ holds no run yet; start one with: python -m harness run")
    return runs[-1]


def newest_of_each_machine() -> list[RunFolder]:
    """Return the newest run in results/ of each GPU, and of a CPU. Raises RunFolderError if there is none."""
    from harness.records.run_folder import runs_in

    newest_run()
    newest = {folder.read_run().host.gpu or "": folder for folder in runs_in(Path("results"))}
    return [newest[machine] for machine in sorted(newest)]


def run_named(name: str | None) -> RunFolder:
    """Return a run by its folder or its name in results/, or the newest. Raises RunFolderError."""
    from harness.errors import RunFolderError
    from harness.records.run_folder import RunFolder

    if name is None:
        return newest_run()
    for path in (Path(name), Path("results") / name):
        if RunFolder(path).exists():
            return RunFolder(path)
    raise RunFolderError(f"{name}: no such run, neither as a folder nor in results/; `harness list` shows them")
