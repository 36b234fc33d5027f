"""`python -m tests.calibration`: the tables of docs/statistics.md, at full size (minutes)."""

from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path

from tests.calibration.candidates import CANDIDATES
from tests.calibration.disturbances import DISTURBANCES
from tests.calibration.experiments import calibrate, calibrate_adaptive, calibrate_candidate
from tests.calibration.noise import GPU_LIKE, fitted

REFERENCE = Path("results/reference-cpu")


def main(experiments: int) -> None:
    """Print the fitted noise and a row per noise model and number of processes."""
    models = {"reference-cpu, fitted": fitted(REFERENCE), "GPU-like, assumed": GPU_LIKE}
    for name, model in models.items():
        print(f"{name}: {model}")
    print("| noise | processes | coverage, median | coverage, ratio | false alarms | 5% found |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, model in models.items():
        for repeats in (3, 5, 8, 12):
            rates = calibrate(model, repeats, experiments)
            shares = (rates.median_coverage, rates.ratio_coverage, rates.false_alarms, rates.found)
            print(f"| {name} | {repeats} | " + " | ".join(f"{share:.1%}" for share in shares) + " |", flush=True)
    print_candidates(experiments * 5)
    print(f"Until the ratios are narrow, {experiments // 2} runs a line, GPU-like noise:")
    print("| until | slower by, a round | coverage, ratio | false alarms | processes, mean | fixed | saved |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for until, trend in itertools.product((0.02, 0.04), (0.0, 0.002)):
        rule = calibrate_adaptive(GPU_LIKE, until, experiments // 2, trend=trend)
        saved = 1 - rule.processes / rule.fixed_processes
        print(
            f"| {until:.0%} | {trend:.1%} | {rule.coverage:.1%} | {rule.false_alarms:.1%} | {rule.processes:.0f} | "
            f"{rule.fixed_processes} | {saved:.0%} |",
            flush=True,
        )


def print_candidates(runs: int) -> None:
    """Of each test and each disturbance, the worst over 3 to 12 rounds and three sizes; and how often 5% are found."""
    print(f"{runs} runs a line; worst of 3 to 12 rounds and standard deviations of 0.2%, 1% and 5%:")
    print("| disturbance | test | coverage, least | false alarms, most | 5% found: 3 | 5 | 8 | 12 rounds (sd 1%) |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for disturbance, candidate in itertools.product(DISTURBANCES, CANDIDATES):
        every = {
            (rounds, deviation): calibrate_candidate(candidate, disturbance, rounds, deviation, runs)
            for rounds in range(3, 13)
            for deviation in (0.002, 0.01, 0.05)
        }
        coverage = min(rates.coverage for rates in every.values())
        alarms = max(rates.false_alarms for rates in every.values())
        found = " | ".join(f"{every[rounds, 0.01].found:.0%}" for rounds in (3, 5, 8, 12))
        text = "none" if math.isnan(coverage) else f"{coverage:.1%}"
        print(f"| {disturbance} | {candidate} | {text} | {alarms:.1%} | {found} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
