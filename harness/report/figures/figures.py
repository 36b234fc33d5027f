"""Every figure of a run with its caption."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.compare_frameworks import Row
from harness.records.checked_run import CheckedRun
from harness.report.figures.after_training import after_training
from harness.report.figures.costs import energy, memory_by_phase, parity_beside_tuned, wall_time
from harness.report.figures.figure import Figure
from harness.report.figures.speed_and_memory import ratios, speed_against_memory
from harness.report.figures.training import losses, step_times

CAPTIONS = {
    "speed-memory": (
        "Speed against memory",
        "Right is faster, down is leaner. Lines through a point: its 95% intervals over processes. "
        "A line that ends at the frame goes on.",
    ),
    "ratios": (
        "Ratio to the baseline",
        "With 95% intervals and verdicts. Grey band: a difference that does not matter.",
    ),
    "parity-tuned": (
        "What tuning gains",
        "Tokens/s in the parity track and by each framework's own advice.",
    ),
    "losses": (
        "Loss",
        "Above: the plain PyTorch reference, and every framework that is visibly apart from it. Below: how far the "
        "first process of each framework is from the reference, relative to its loss (1e-9: not at all).",
    ),
    "steps": (
        "Time of each step",
        "The steady steps of all processes: quartiles in a box, extremes at its whiskers.",
    ),
    "memory": (
        "Memory by phase",
        "Medians over processes. Grey tick: the least that training this job can hold.",
    ),
    "time": (
        "Where the time goes",
        "Medians over processes, from the start of an interpreter to the end of the last step.",
    ),
    "after-training": (
        "After training: size, speed and what quantization costs",
        "A point per GGUF file, of every framework and method: the median of its runs, and what its format adds to the "
        "held-out loss of the export; that is shown where training lowered the loss by a nat or more.",
    ),
    "energy": ("Energy", "Medians over processes, over the steady steps."),
}
"""Title and caption of each figure by name, in the order of the report."""


def figures_of(run: CheckedRun, rows: Sequence[Row], number: int = 0) -> list[Figure]:
    """Return the figures that have data, in the order of the report. `number`: that of the run among several."""
    records = run.cells
    experiment = run.record.experiment
    sections = [section for section in experiment.sections if any(row.section == section and row.n for row in rows)]
    specs = {
        "speed-memory": speed_against_memory(rows, sections),
        "ratios": ratios(rows, sections),
        "parity-tuned": parity_beside_tuned(records, list(experiment.jobs)),
        "losses": losses(run, sections),
        "steps": step_times(run, sections),
        "memory": memory_by_phase(records, sections),
        "time": wall_time(records, sections),
        "after-training": after_training(run.deployments),
        "energy": energy(records, sections),
    }
    before = f"{number}-" if number else ""
    return [
        Figure(name=before + name, title=title, caption=caption, spec=spec)
        for name, (title, caption) in CAPTIONS.items()
        if (spec := specs[name]) is not None
    ]
