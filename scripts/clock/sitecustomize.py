"""A clock for a framework that runs bare. Python imports this by its name if its folder is on PYTHONPATH.

It notes the time at the end of every step of torch's optimizers, and writes the times when the process ends.
"""

from __future__ import annotations

import atexit
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

WATCHED = "torch.optim.optimizer"
STEPS: list[tuple[float, float]] = []


class ClockFinder(importlib.abc.MetaPathFinder):
    """Finds torch's optimizer module as Python would, and adds the clock once it is loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != WATCHED:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        assert spec is not None and spec.loader is not None
        load = spec.loader.exec_module

        def load_and_hook(module: ModuleType) -> None:
            load(module)
            module.register_optimizer_step_post_hook(note)

        spec.loader.exec_module = load_and_hook  # type: ignore[method-assign]
        return spec


def note(*_: Any) -> None:
    """Note the time: an optimizer step has ended."""
    STEPS.append((time.monotonic(), time.process_time()))


def write() -> None:
    """Write the times, if there are any."""
    if STEPS:
        Path(f"{os.environ['CLOCK_FILE']}.{os.getpid()}").write_text(json.dumps(STEPS), encoding="utf-8")


if "CLOCK_FILE" in os.environ:
    sys.meta_path.insert(0, ClockFinder())
    atexit.register(write)
