"""How long a framework takes to install once its packages are downloaded."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

from harness.environment.build import find_python, install
from harness.environment.environment import Environment
from harness.environment.locks import lock_of
from harness.files.locations import ADAPTERS, SCRATCH_PREFIX

REPEATS = 3


def install_seconds(environment: Environment) -> float:
    """Of a fresh copy of a built environment, by uv from its own cache: the median of three.

    Downloads are not in it, which say more of the network than of the framework. Raises EnvironmentBuildError if uv no
    longer has a package.
    """
    lock = lock_of(environment.framework, ADAPTERS)
    seconds = []
    for _ in range(REPEATS):
        # Beside the environment, where uv can link files as it did for it.
        with tempfile.TemporaryDirectory(dir=environment.path.parent, prefix=SCRATCH_PREFIX) as scratch:
            began = time.monotonic()
            install(lock, find_python(), environment.torch_backend, Path(scratch) / "again", ["--offline"])
            seconds.append(time.monotonic() - began)
    return median(seconds)
