"""How long a framework takes to install once its packages are downloaded."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

from harness.environment.build import install
from harness.environment.environment import Environment
from harness.environment.locks import lock_of
from harness.environment.python import find_python
from harness.files.locations import ADAPTERS, SCRATCH_PREFIX

REPEATS = 3


def install_seconds(environment: Environment) -> float:
    """Return the median seconds of three installations from uv's cache.

    Downloads do not count: they say more about the network than about the framework. Raises EnvironmentBuildError if uv
    no longer has a package.
    """
    lock = lock_of(environment.framework, ADAPTERS)
    seconds = []
    for _ in range(REPEATS):
        # Beside the environment, where uv can link files as it did there.
        with tempfile.TemporaryDirectory(dir=environment.path.parent, prefix=SCRATCH_PREFIX) as scratch:
            began = time.monotonic()
            install(lock, find_python(), environment.torch_backend, Path(scratch) / "again", ["--offline"])
            seconds.append(time.monotonic() - began)
    return median(seconds)
