"""Time the main job from nothing: `python scripts/measure_main_job.py OUT` (empty uv cache, empty harness cache).

Prints what docs/performance.md shows: the environments' time, the run's, and the steps' share of the run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import harness as package


def main(out: Path) -> None:
    """Set up and run in empty caches below `out`, which must not exist."""
    out.mkdir(parents=True)
    variables = {**os.environ, "UV_CACHE_DIR": str(out / "uv"), "HARNESS_CACHE": str(out / "cache")}

    def timed(*arguments: str) -> float:
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "harness", *arguments], env=variables, check=True)
        return time.monotonic() - began

    setup = timed("setup")
    whole = timed("run", "--profile", "cpu", "--output", str(out / "results" / "main-job"))
    frame = package.load_results(out / "results" / "main-job")
    run = json.loads((out / "results" / "main-job" / "run.json").read_text(encoding="utf-8"))
    recorded = datetime.fromisoformat(run["finished"]) - datetime.fromisoformat(run["created"])
    steps = float(frame.training_seconds.sum())
    print(f"environments: {setup:.0f} s")
    print(f"run: {whole:.0f} s, of which recorded {recorded.total_seconds():.0f} s")
    print(f"both: {(setup + whole) / 60:.1f} min")
    print(f"steps: {steps:.0f} s, {steps / whole:.0%} of the run's wall time")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
