"""Resolve every framework's requirements.in anew and write its requirements.lock: `python scripts/make_locks.py`."""

from __future__ import annotations

import subprocess
import sys

from harness.environment.locks import lock_of, pins_only
from harness.environment.uv import uv_command, uv_environment
from harness.frameworks import FRAMEWORKS
from harness.locations import ADAPTERS

OLDEST_PYTHON = "3.11"


def main(names: list[str]) -> None:
    """Make the locks of `names`, or of all frameworks."""
    environment = uv_environment()
    # A local torch build would hide what a CUDA machine resolves to.
    environment.pop("UV_FIND_LINKS", None)
    for name in names or FRAMEWORKS:
        files = lock_of(name, ADAPTERS)
        command = [*uv_command(), "pip", "compile", "--quiet", "--universal", "--python-version", OLDEST_PYTHON]
        command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
        command += ["--override", str(files.overrides), str(files.requirements)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{name}: {done.stderr.strip()}")
        wanted = frozenset(line.split("==")[0] for line in files.requirements.read_text(encoding="utf-8").split())
        files.lock.write_text(pins_only(done.stdout, keep=wanted), encoding="utf-8")
        print(f"{name}: {len(files.lock.read_text(encoding='utf-8').splitlines())} pins")


if __name__ == "__main__":
    main(sys.argv[1:])
