"""Run a framework's own command, in its environment, as its user would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

MOST_WORDS = 600
"""Characters of an error that are kept."""
ERROR = re.compile(r"\b\w*(Error|Exception): ")
OF_LAUNCHERS = ("ChildFailedError", "CalledProcessError")


def run_command(name: str, *arguments: str, folder: Path, stand_ins: Path | None = None) -> None:
    """Run a command of this environment in `folder`. Raises RuntimeError with its error if it fails.

    `stand_ins`: a folder with modules that the command imports and that the environment lacks.
    """
    paths = [os.environ.get("PYTHONPATH", ""), "" if stand_ins is None else str(stand_ins)]
    command = [str(Path(sys.executable).parent / name), *arguments]
    ran(command, folder, {"PYTHONPATH": os.pathsep.join(filter(None, paths))})


def ran(command: list[str], folder: Path, variables: Mapping[str, str] | None = None) -> str:
    """Return what a command printed. Raises RuntimeError with its error if it failed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            **(variables or {}),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout[-20000:], flush=True)
    if done.returncode:
        raise RuntimeError(first_error(done.stdout) or f"ended with status {done.returncode}")
    return done.stdout


def first_error(text: str) -> str:
    """Return the first line with a Python error, launchers' lines left out; else the last line of words.

    When several processes train together, one fails and the others then report that it is gone.
    """
    lines = [line.strip() for line in text.splitlines() if any(c.isalpha() for c in line)]
    errors = [line for line in lines if ERROR.search(line) and not any(name in line for name in OF_LAUNCHERS)]
    return (errors or lines[-1:] or [""])[0][:MOST_WORDS]
