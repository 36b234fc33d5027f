"""`python -m tests.calibration`: the table of docs/statistics.md, at full size (minutes)."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from tests.calibration.experiments import calibrate, calibrate_adaptive
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


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
