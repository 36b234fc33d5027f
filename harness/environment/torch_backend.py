"""Which build of torch an environment gets: for a GPU or for the CPU."""

from __future__ import annotations

import functools
import os
import subprocess

from harness.environment.locks import TORCH_VERSION
from harness.environment.python import find_python
from harness.environment.uv import uv_environment, uv_pip

CPU_INDEX_SECONDS = 20
"""How long uv's index of CPU builds may take to answer."""


@functools.cache
def choose_torch_backend(asked: str = "auto") -> str:
    """Return "default" if there is a GPU or the machine's index has a CPU build; else "cpu" if that can be had."""
    from harness.machine.gpu import gpu_is_present

    if asked != "auto":
        return asked
    if gpu_is_present():
        return "default"
    if "+cpu" in _resolved_torch([]):
        return "default"
    return "cpu" if "+cpu" in _resolved_torch(["--torch-backend", "cpu"]) else "default"


def _resolved_torch(options: list[str]) -> str:
    """Return the torch that uv would install, like "torch==2.13.0+cpu"; empty if none can be had."""
    command = [*uv_pip("compile"), "-", "--quiet", "--no-header", "--no-annotate", "--no-deps"]
    command += ["--python", find_python(), *options]
    try:
        done = subprocess.run(
            command,
            input=f"torch=={TORCH_VERSION}\n",
            env=uv_environment({**os.environ, "UV_HTTP_RETRIES": "0"}),
            capture_output=True,
            text=True,
            check=False,
            timeout=CPU_INDEX_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
