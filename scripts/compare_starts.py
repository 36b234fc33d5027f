"""Compare warm with cold starts of the same job: `python scripts/compare_starts.py WARM_RUN COLD_RUN`.

Both are results folders of `harness run`, with --start warm and --start cold and otherwise the same options. Prints the
table of docs/warm-start.md.
"""

from __future__ import annotations

import sys

import pandas as pd

import harness as package

HEADINGS = (
    "framework",
    "n warm, cold",
    "losses",
    "step, wall",
    "step, CPU time",
    "peak memory",
    "seconds of a cell, warm",
    "cold",
)


def main(warm_run: str, cold_run: str) -> None:
    """Print a row per framework that both runs have, over the methods that both have."""
    warm, cold = (frame[frame.outcome == "ok"] for frame in map(package.load_results, (warm_run, cold_run)))
    if set(warm.start) != {"warm"} or set(cold.start) != {"cold"}:
        sys.exit("give a warm run first and a cold one second")
    common = warm.merge(cold[["framework", "method", "job_sha256"]].drop_duplicates())
    print(f"| {' | '.join(HEADINGS)} |\n|{' --- |' * len(HEADINGS)}")
    for framework, ours in common.groupby("framework", sort=False):
        theirs = cold[cold.framework == framework]
        same = losses(ours) == losses(theirs)
        ratios = (
            f"{ours[column].median() / theirs[column].median():.2f}"
            for column in ("median_step_seconds", "median_step_cpu_seconds", "peak_memory_bytes")
        )
        walls = (f"{frame.wall_seconds.median():.0f}" for frame in (ours, theirs))
        count = f"{len(ours)}, {len(theirs)}"
        print(row(framework, count, "equal to the last bit" if same else "differ", *ratios, *walls))


def losses(frame: pd.DataFrame) -> set[tuple[float, float]]:
    """Return first and final loss of every cell."""
    return set(zip(frame.first_loss, frame.final_loss, strict=True))


def row(*cells: object) -> str:
    """Return a line of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
