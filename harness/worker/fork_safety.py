"""Inside a framework's environment: whether a process that has imported the framework may fork cells (warm starts)."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from pathlib import Path

BUSY_THREAD_SECONDS = 0.1
"""How long native threads are watched for work."""


def why_fork_is_unsound() -> str:
    """Return why a child forked now might misbehave; empty if a fork is sound."""
    if not hasattr(os, "fork") or not sys.platform.startswith("linux"):
        return f"forking after imports is not sound on {sys.platform}"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return "there is a CUDA device, and a context cannot be carried over a fork"
    working = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if working:
        return f"threads of the framework are alive: {', '.join(working)}"
    before = thread_cpu_ticks()
    time.sleep(BUSY_THREAD_SECONDS)
    after = thread_cpu_ticks()
    busy = [thread for thread, ticks in after.items() if ticks > before.get(thread, 0)]
    return f"{len(busy)} native threads are at work" if busy else ""


def thread_cpu_ticks() -> dict[str, int]:
    """Return the CPU time of each thread but the main one, in clock ticks, from /proc."""
    ticks = {}
    for task in Path("/proc/self/task").iterdir():
        if task.name == str(os.getpid()):
            continue
        with contextlib.suppress(OSError):  # A thread may have ended since it was listed.
            fields = (task / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            ticks[task.name] = int(fields[11]) + int(fields[12])
    return ticks
