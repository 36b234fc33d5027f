"""Records as a run would have written and read them, for tests."""

from __future__ import annotations

from typing import Any

from harness.job.experiment import Experiment
from harness.machine.host import Host
from harness.records.cell_record import CellRecord
from harness.records.run_record import InputsRecord, RunRecord

CELL: dict[str, Any] = {
    "run": "run",
    "cell": "a",
    "framework": "unsloth",
    "framework_version": "1.0",
    "method": "lora",
    "track": "parity",
    "repeat": 1,
    "twin": False,
    "outcome": "ok",
    "deviations": "",
    "same_job": "yes",
    "device": "cpu",
    "machine": "a CPU",
    "start": "warm",
    "omp_num_threads": 2,
}
INPUTS = InputsRecord(
    model_source="Qwen/Qwen3-0.6B at 1, from the hub",
    tokenizer_source="the hub",
    dataset_source="the hub",
    model_sha256="m",
    blocks_sha256="b",
    adapter_sha256=None,
)
HOST = Host(
    system="Linux",
    machine="x86_64",
    cpu="a CPU",
    cpu_threads=16,
    memory_bytes=2**36,
    gpu=None,
    gpu_memory_bytes=None,
    gpu_driver=None,
)


def some_cell(**columns: Any) -> CellRecord:
    """A cell of Unsloth that ended well, but for these columns."""
    return CellRecord(**{**CELL, **columns})


def some_run(experiment: Experiment, **values: Any) -> RunRecord:
    """A complete run, but for these values."""
    run: dict[str, Any] = {
        "name": "run",
        "status": "complete",
        "created": "2026-01-31T12:00:00+00:00",
        "harness_version": "0.1.0",
        "source_commit": None,
        "host": HOST,
        "omp_num_threads": 2,
        "start": "warm",
        "experiment": experiment,
        "inputs": dict.fromkeys(experiment.jobs, INPUTS),
        "frameworks": {},
    }
    return RunRecord(**{**run, **values})
