"""How far a timed cell differs from the framework run bare: `measure_distortion.py OUT [PAIRS [FRAMEWORK ...]]`.

Bare: the framework's own command and the config that `harness show` prints, with a clock at the end of each optimizer
step (scripts/clock) and nothing else. Timed: a cell of `harness run --start cold --no-audit`. Interleaved, in random
order. Prints the ratios timed / bare of the median step, wall and CPU time, with their intervals over processes.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import statistics
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from harness.analysis.estimates import ratio_estimate
from harness.job.frameworks import FRAMEWORKS
from harness.job.recipe import Choices, resolve
from harness.records.run_folder import RunFolder
from harness.studies.show import native_config, render

SETTINGS = ("max_steps=6",)
LEFT_OUT = 2
"""Leading steps that are left out on both sides."""
CLOCK = Path(__file__).parent / "clock"
Times = tuple[float, float]
"""Median step: wall and CPU seconds."""


def main(out: Path, pairs: int, frameworks: Sequence[str]) -> None:
    """Measure every framework and print a Markdown table."""
    out.mkdir(parents=True)
    print("| framework | pairs | wall, timed to bare | CPU time, timed to bare | own code, share of the steps |")
    print("| --- | --- | --- | --- | --- |")
    for framework in frameworks:
        bare: list[Times] = []
        timed: list[Times] = []
        shares: list[float] = []
        for pair in range(pairs):
            sides = ["bare", "timed"]
            random.Random(f"{framework}/{pair}").shuffle(sides)
            for side in sides:
                place = out / f"{framework}-{pair}-{side}"
                place.mkdir()
                if side == "bare":
                    bare.append(run_bare(framework, place))
                else:
                    times, share = run_timed(framework, place)
                    timed.append(times)
                    shares.append(share)
        cells = [shown([pair[kind] for pair in timed], [pair[kind] for pair in bare]) for kind in (0, 1)]
        print(f"| {framework} | {pairs} | {cells[0]} | {cells[1]} | {max(shares):.3%} |", flush=True)


def run_bare(framework: str, place: Path) -> Times:
    """Run the framework's command under a clock."""
    choices = Choices(profile="cpu", frameworks=framework, methods="lora", settings=SETTINGS)
    config = native_config(resolve(choices, gpu_present=False), output_path=str(place / "output"))
    (place / config.filename).write_text(render(config), encoding="utf-8")
    assignments = [word for word in shlex.split(config.command) if "=" in word.split("/")[0]]
    command = shlex.split(config.command)[len(assignments) :]
    variables = {**os.environ, **dict(word.split("=", 1) for word in assignments), "CUDA_VISIBLE_DEVICES": ""}
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, [str(CLOCK), variables.get("PYTHONPATH")]))
    variables |= {"CLOCK_FILE": str(place / "clock"), "HF_HUB_OFFLINE": "1", "UNSLOTH_FORCE_CPU": "1"}
    with (place / "log.txt").open("wb") as log:
        subprocess.run(command, cwd=place, env=variables, stdout=log, stderr=log, check=True)
    (clock,) = place.glob("clock.*")
    return median_step(json.loads(clock.read_text(encoding="utf-8")))


def run_timed(framework: str, place: Path) -> tuple[Times, float]:
    """Run a cell as `harness run` times it. Return its times and the share of its steps that our code took."""
    words = ["--frameworks", framework, "--profile", "cpu", "--methods", "lora", "--repeats", "1", "--start", "cold"]
    words += ["--no-audit", "--output", str(place / "run"), *(w for setting in SETTINGS for w in ("--set", setting))]
    with (place / "log.txt").open("wb") as log:
        command = [sys.executable, "-m", "harness", "run", *words]
        subprocess.run(command, cwd=place, stdout=log, stderr=log, check=True)
    folder = RunFolder(place / "run")
    (record,) = folder.read_records()
    steps = folder.read_steps(record.cell)[LEFT_OUT:]
    times = (
        statistics.median(step["seconds"] for step in steps),
        statistics.median(step["cpu_seconds"] for step in steps),
    )
    return times, float(record.harness_seconds or 0) / float(record.training_seconds or 1)


def median_step(ends: list[list[float]]) -> Times:
    """Return the median differences of the ends after the first LEFT_OUT."""
    differences = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(ends)][LEFT_OUT - 1 :]
    return statistics.median(difference[0] for difference in differences), statistics.median(
        difference[1] for difference in differences
    )


def shown(timed: list[float], bare: list[float]) -> str:
    """Return a ratio with its interval."""
    ratio = ratio_estimate(dict(enumerate(timed)), dict(enumerate(bare)))
    assert ratio is not None
    interval = "" if ratio.low is None or ratio.high is None else f" ({ratio.low:.3f} to {ratio.high:.3f})"
    return f"{ratio.value:.3f}{interval}"


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 5, sys.argv[3:] or FRAMEWORKS)
