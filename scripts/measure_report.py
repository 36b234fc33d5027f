"""How long a report over very many cells takes, and how much memory: python scripts/measure_report.py [CELLS [STEPS]].

Makes a run of so many cells (10,000 of 200 steps each by default) from those of the committed reference run, in a
folder that is removed afterwards, and writes its report in a process of its own. Target: 20 s and 1.5 GB on 2 cores.
"""

from __future__ import annotations

import dataclasses
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from harness.files.locations import SOURCE_ROOT
from harness.job.experiment import section_of
from harness.job.job import Job
from harness.job.plan import cell_name
from harness.measure.steps import Step
from harness.records.cell_record import CellRecord
from harness.records.run_folder import CellFiles, RunFolder

REFERENCE = RunFolder(SOURCE_ROOT / "results" / "reference-cpu")


def main(cells: int, steps: int) -> None:
    """Make the results, write the report, print both times and the memory."""
    with tempfile.TemporaryDirectory() as place:
        folder = RunFolder(Path(place) / "results" / "many")
        began = time.perf_counter()
        make(folder, cells, steps)
        print(f"made {cells} cells of {steps} steps in {time.perf_counter() - began:.1f} s", flush=True)
        began = time.perf_counter()
        child = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-m", "harness", "report", str(folder.path)])
        _, status, usage = os.wait4(child, 0)
        seconds = time.perf_counter() - began
        print(
            f"report: {seconds:.1f} s, {usage.ru_maxrss / 1e6:.2f} GB, exit status {os.waitstatus_to_exitcode(status)}"
        )


def make(folder: RunFolder, cells: int, steps: int) -> None:
    """Make a run like the reference, with other durations."""
    rng = np.random.default_rng(0)
    records = [record for record in REFERENCE.read_records() if record.repeat == 1 and not record.twin]
    jobs = {
        section_of(record): dataclasses.replace(REFERENCE.read_job(record.cell), max_steps=steps) for record in records
    }
    rounds = -(-cells // len(records))
    for repeat in range(1, rounds + 1):
        for record in records:
            write(folder, record, repeat, jobs[section_of(record)], rng)
    for verdict in REFERENCE.read_audits():
        sha256 = jobs[section_of(verdict)].sha256
        folder.write_audit(dataclasses.replace(verdict, job_sha256=sha256, reference_losses=()))
    run = REFERENCE.read_run()
    longer = {method: dataclasses.replace(job, max_steps=steps) for method, job in run.experiment.jobs.items()}
    run.name, run.contents = folder.path.name, folder.contents()
    run.experiment = dataclasses.replace(run.experiment, jobs=longer, repeats=rounds)
    folder.write_run(run)


def write(folder: RunFolder, record: CellRecord, repeat: int, job: Job, rng: np.random.Generator) -> None:
    """Write one cell like a recorded one."""
    seconds = np.exp(0.05 * rng.standard_normal(job.max_steps))
    ends = np.cumsum(seconds)
    steps = tuple(
        Step(
            step=index + 1,
            seconds=float(seconds[index]),
            end_seconds=float(ends[index]),
            cpu_seconds=2.0,
            loss=12.0 - 0.001 * index,
            grad_norm=1.0,
            learning_rate=None,
            warmup=index < 2,
        )
        for index in range(job.max_steps)
    )
    median = statistics.median(float(value) for value in seconds[2:])
    name = cell_name(record.framework, record.method, record.track, repeat, twin=bool(record.twin))
    values = {
        "run": folder.path.name,
        "cell": name,
        "repeat": repeat,
        "steps": job.max_steps,
        "warmup_steps": 2,
        "median_step_seconds": median,
        "tokens_per_second": job.tokens_per_step / median,
        "job_sha256": job.sha256,
        "compared_sha256": job.sha256,
    }
    folder.write_cell(
        name,
        CellFiles(record=record.model_copy(update=values), job=job.as_dict(), native_config=None, steps=steps, log=""),
    )


if __name__ == "__main__":
    main(*([int(argument) for argument in sys.argv[1:3]] + [10_000, 200][len(sys.argv) - 1 :]))
