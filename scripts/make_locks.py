"""Resolve requirements.in and write requirements.lock: `python scripts/make_locks.py [--upgrade] [FRAMEWORK ...]`.

The present lock's pins stay if they can. With --upgrade all are resolved again.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from harness.environment.locks import Lock, lock_of, pins_only, read_lines
from harness.environment.uv import uv_command, uv_environment
from harness.files.locations import ADAPTERS
from harness.job.frameworks import LOCKED

OLDEST_PYTHON = "3.11"


def main(arguments: list[str]) -> None:
    """Make the locks of the named frameworks, of llama_cpp, or of all."""
    names = [name for name in arguments if name != "--upgrade"]
    for name in names or LOCKED:
        files = lock_of(name, ADAPTERS)
        resolution = resolved(files, upgrade="--upgrade" in arguments)
        asked = frozenset(line.split("==")[0] for line in read_lines(files.requirements))
        files.lock.write_text(pins_only(resolution, keep=asked), encoding="utf-8")
        print(f"{name}: {len(read_lines(files.lock))} pins")


def resolved(files: Lock, *, upgrade: bool) -> str:
    """Return all pins that uv finds for a framework. Exits with uv's words if it finds none."""
    environment = uv_environment()
    # A local torch build would hide what a CUDA machine resolves to.
    environment.pop("UV_FIND_LINKS", None)
    command = [*uv_command(), "pip", "compile", "--quiet", "--universal", "--python-version", OLDEST_PYTHON]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    command += ["--override", str(files.overrides), str(files.requirements)]
    with tempfile.TemporaryDirectory() as scratch:
        # uv prefers what its output file pins already.
        pins = Path(scratch) / "requirements.lock"
        if not upgrade:
            pins.write_bytes(files.lock.read_bytes())
        done = subprocess.run(
            [*command, "--output-file", str(pins)], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{files.framework}: {done.stderr.strip()}")
        return pins.read_text(encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
