"""Warm against cold starts: `python scripts/compare_starts.py OUT [REPEATS]` prints the table of docs/warm-start.md.

Warm and cold runs take turns, so that a machine whose speed drifts treats both alike.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd

import harness as package

SETTINGS = ("--profile", "cpu", "--set", "max_steps=7", "--set", "warmup_steps=2")


def main(out: Path, repeats: int) -> None:
    """Run `repeats` rounds of each start below `out`, then compare."""
    for number in range(1, repeats + 1):
        for start in ("warm", "cold"):
            folder = out / "results" / f"{start}-{number}"
            command = [sys.executable, "-m", "harness", "run", *SETTINGS, "--repeats", "1", "--start", start]
            subprocess.run([*command, "--output", str(folder)], check=True)
    frames = {start: frame_of(out, start, repeats) for start in ("warm", "cold")}
    headings = ("framework", "losses", "step wall, warm/cold", "step CPU, warm/cold", "peak RSS, warm/cold")
    print(f"| {' | '.join(headings)} | wall of a cell, warm | wall of a cell, cold |\n|{' --- |' * 7}")
    for framework, warm in frames["warm"].groupby("framework"):
        cold = frames["cold"][frames["cold"].framework == framework]
        same = set(zip(warm.first_loss, warm.final_loss, strict=True)) == set(
            zip(cold.first_loss, cold.final_loss, strict=True)
        )
        ratios = [
            f"{warm[column].median() / cold[column].median():.2f}"
            for column in ("median_step_seconds", "median_step_cpu_seconds", "peak_memory_bytes")
        ]
        walls = [f"{frame.wall_seconds.median():.0f} s" for frame in (warm, cold)]
        print(f"| {framework} | {'equal to the last bit' if same else 'differ'} | {' | '.join([*ratios, *walls])} |")


def frame_of(out: Path, start: str, repeats: int) -> pd.DataFrame:
    """All cells of one way of starting."""
    return pd.concat(package.load_results(out / "results" / f"{start}-{n}") for n in range(1, repeats + 1))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 3)
