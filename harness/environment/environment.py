"""What an environment is, however it came to be, and what is told while it does."""

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
    """The virtual environment or the overlay; its name says of what content."""
    python: Path
    torch_backend: str
    """"cpu", "cu130" and so on as uv names them; "default" is what the machine's indexes give by themselves, "node"
    what the node's own interpreter has."""
    overlay: Path | None = None
    """The folder that comes before the interpreter's own packages; None for a virtual environment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What has just happened to one framework's environment."""

    framework: str
    stage: Stage
    seconds: float = 0.0
    reason: str = ""


def variables_for_a_python() -> dict[str, str]:
    """This process's environment variables without those that tell a Python where to look."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
