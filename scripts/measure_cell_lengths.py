"""How short may the cells of the first run be? `OMP_NUM_THREADS=2 python scripts/measure_cell_lengths.py OUT [ROUNDS]`.

Runs the job of profile cpu in several lengths, each once per pass, so that a drift of the machine meets all of them.
docs/method.md has a pass of it. Prints per length what a cell takes, how wide the intervals of its ratios are, and
which differences are shown.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from harness.analysis.compare_frameworks import Measured, rows_of
from harness.records.checked_run import read_checked
from harness.records.run_folder import RunFolder

LENGTHS: Mapping[str, Mapping[str, int]] = {
    "128 x 2 x 2, 7 steps": {"sequence_length": 128, "max_steps": 7},
    "128 x 2 x 2, 5 steps": {"sequence_length": 128, "max_steps": 5},
    "128 x 2 x 2, 4 steps": {"sequence_length": 128, "max_steps": 4},
    "64 x 2 x 2, 5 steps": {"sequence_length": 64, "max_steps": 5},
}
"""Sequence length x micro batch size x accumulation, and optimizer steps."""
PASSES = 2


def main(out: Path, rounds: int) -> None:
    """Run every length in every pass, and print a line per run."""
    print("length                  pass  s a cell  speed ratios +-  memory ratios +-  shown")
    for number in range(1, PASSES + 1):
        for name, knobs in LENGTHS.items():
            folder = out / f"{name.replace(', ', '-').replace(' ', '')}-{number}"
            settings = [word for key, value in knobs.items() for word in ("--set", f"{key}={value}")]
            command = [sys.executable, "-m", "harness", "run", "--profile", "cpu", "--no-audit", *settings]
            command += ["--repeats", str(rounds), "--output", str(folder)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            print(f"{name:22}  {number:4}  {described(folder)}", flush=True)


def described(folder: Path) -> str:
    """Return the figures of one run."""
    run = read_checked(RunFolder(folder))
    rows = rows_of(run.cells, run.record)
    walls = statistics.fmean(cell.wall_seconds for cell in run.cells if cell.wall_seconds)
    speed, memory = ([row.tokens_per_second for row in rows], [row.peak_memory_bytes for row in rows])
    shown = [
        f"{row.framework} {word}"
        for what, figures in (("speed", speed), ("memory", memory))
        for row, figure in zip(rows, figures, strict=True)
        if figure is not None and figure.comparison is not None
        for word in [f"{what} {figure.comparison.ratio.value:.2f} {figure.comparison.word}"]
        if figure.comparison.word in ("more", "less", "equivalent")
    ]
    return f"{walls:8.1f}  {_reach(speed):14.1%}  {_reach(memory):15.2%}  {'; '.join(shown)}"


def _reach(figures: list[Measured | None]) -> float:
    """Return the median half width of the ratios' intervals, relative to the ratio."""
    ratios = [figure.comparison.ratio for figure in figures if figure is not None and figure.comparison is not None]
    return statistics.median(
        (ratio.high - ratio.low) / (2 * ratio.value) for ratio in ratios if ratio.high and ratio.low
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 5)
