"""The Python that environments are built with."""

from __future__ import annotations

import functools
import platform
import subprocess
import sys

from harness.environment.uv import uv_command
from harness.errors import EnvironmentBuildError

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
"""The Python versions that the locks have wheels for."""


@functools.cache
def find_python() -> str:
    """Return the interpreter to build with: this one, or one that uv finds if the locks do not cover this one."""
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        return sys.executable
    versions = f">={_dotted(OLDEST_PYTHON)},<={_dotted(NEWEST_PYTHON)}.99"
    done = subprocess.run([*uv_command(), "python", "find", versions], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentBuildError(
            f"the frameworks need Python {_dotted(OLDEST_PYTHON)} to {_dotted(NEWEST_PYTHON)}, this is "
            f"{platform.python_version()} and no other was found; install one, or start the harness with it"
        )
    return done.stdout.strip()


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
