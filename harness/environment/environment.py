"""An environment, whether built or installed from a bundle, and the progress of making it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Stage = Literal["found", "building", "built", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """An interpreter with a framework's packages."""

    framework: str
    path: Path
    """The virtual environment or the overlay. Its name is a digest of its content."""
    python: Path
    torch_backend: str
    """The backend's name in uv: "cpu", "cu130" and so on. "default": as the machine's indexes choose. "node": as the
    node's interpreter has it.
    """
    overlay: Path | None = None
    """The folder that comes before the interpreter's packages; None for a virtual environment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What has just happened to one framework's environment."""

    framework: str
    stage: Stage
    seconds: float = 0.0
    reason: str = ""


def variables_for_a_python() -> dict[str, str]:
    """Return this process's environment variables without those that tell a Python where to find packages."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
