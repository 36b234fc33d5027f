"""What a cell's framework printed: how much of it is kept, and what a reason quotes of it."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from harness.execute.watch_cell import Ended
from harness.files.machine_paths import without_machine_paths

MAX_LOG_BYTES = 1_000_000
LOG_LINES_IN_REASON = 3


def log_tail(path: Path) -> str:
    """Return the end of what a cell printed, without this machine's paths; empty if it printed nothing."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - MAX_LOG_BYTES))
        return without_machine_paths(file.read().decode("utf-8", errors="replace"))


def with_last_words(ended: Ended, log: str) -> Ended:
    """Add the end of the log to the reason of a cell that crashed, was killed or fell silent."""
    reason = without_machine_paths(ended.reason)
    if ended.outcome in {"crashed", "killed", "timeout"}:
        words = [line.strip() for line in log.split("\n") if line.strip()][-LOG_LINES_IN_REASON:]
        reason = f"{reason}; its log ends: {' / '.join(words)}" if words else reason
    return dataclasses.replace(ended, reason=reason)
