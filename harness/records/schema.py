"""What the JSON files of a run must have before anything reads them; a file of another program says so in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pydantic

from harness.files.yaml_files import first_problem
from harness.job.experiment import TRACKS, Experiment
from harness.job.frameworks import TRAINERS
from harness.job.job import METHODS, Method

TEXT, NUMBER, COUNT, TRUTH = "a text", "a number", "a whole number", "true or false"
COLUMNS = {
    "run": TEXT,
    "cell": TEXT,
    "framework": TEXT,
    "framework_version": TEXT,
    "method": TEXT,
    "precision": TEXT,
    "track": TEXT,
    "repeat": COUNT,
    "twin": TRUTH,
    "outcome": TEXT,
    "reason": TEXT,
    "deviations": TEXT,
    "device": TEXT,
    "node": TEXT,
    "start": TEXT,
    "tokens_per_second": NUMBER,
    "end_to_end_tokens_per_second": NUMBER,
    "median_step_seconds": NUMBER,
    "median_step_cpu_seconds": NUMBER,
    "peak_memory_bytes": COUNT,
    "peak_memory_kind": TEXT,
    "peak_rss_bytes": COUNT,
    "peak_allocated_bytes": COUNT,
    "peak_reserved_bytes": COUNT,
    "load_peak_bytes": COUNT,
    "first_step_peak_bytes": COUNT,
    "steady_peak_bytes": COUNT,
    "gpu_process_peak_bytes": COUNT,
    "gpu_used_peak_bytes": COUNT,
    "cuda_context_bytes": COUNT,
    "allocation_retries": COUNT,
    "mean_power_watts": NUMBER,
    "energy_joules_per_1000_tokens": NUMBER,
    "energy_source": TEXT,
    "median_sm_clock_mhz": NUMBER,
    "median_memory_clock_mhz": NUMBER,
    "peak_temperature_celsius": NUMBER,
    "gpu_busy_share": NUMBER,
    "clocks_lowered_share": NUMBER,
    "clocks_lowered_by": TEXT,
    "other_gpu_processes": COUNT,
    "gpu_bytes_not_returned": COUNT,
    "gpu_not_returned_since": TEXT,
    "first_loss": NUMBER,
    "final_loss": NUMBER,
    "steps": COUNT,
    "warmup_steps": COUNT,
    "tokens_per_step": COUNT,
    "trainable_parameters": COUNT,
    "start_seconds": NUMBER,
    "load_seconds": NUMBER,
    "first_step_seconds": NUMBER,
    "training_seconds": NUMBER,
    "harness_seconds": NUMBER,
    "clock_difference_seconds": NUMBER,
    "wall_seconds": NUMBER,
    "omp_num_threads": COUNT,
    "other_cpu_cores": NUMBER,
    "swapped_bytes": COUNT,
    "throttled_share": NUMBER,
    "torch_version": TEXT,
    "attention": TEXT,
    "optimizer": TEXT,
    "model_source": TEXT,
    "dataset_source": TEXT,
    "model_sha256": TEXT,
    "blocks_sha256": TEXT,
    "job_sha256": TEXT,
    "compared_sha256": TEXT,
}
"""Of a cell's record: what each holds, or None where there is nothing to say."""
TYPES = {TEXT: (str,), NUMBER: (int, float), COUNT: (int,), TRUTH: (bool,)}
RECORD_COLUMNS = tuple(COLUMNS)
LARGEST = 2**63 - 1
LARGEST_MEASURED = 1e15
"""Of any column: a petabyte, 30 million years."""
SIGNED = {"clock_difference_seconds"}
IDENTITY = ("framework", "method", "track", "repeat", "outcome")
"""What a cell's record must say."""
ALLOWED = {"framework": TRAINERS, "method": METHODS, "track": TRACKS}
SAME_JOB = ("yes", "with deviations", "no", "not audited")


def why_no_record(record: object) -> str:
    """What is wrong with a cell's record; empty if nothing is."""
    if not isinstance(record, dict):
        return f"must be a mapping, not {type(record).__name__}"
    for name in IDENTITY:
        if record.get(name) is None:
            return f"{name} is missing"
    for name, kind in COLUMNS.items():
        value = record.get(name)
        if value is not None and (not isinstance(value, TYPES[kind]) or isinstance(value, bool) != (kind == TRUTH)):
            return f"{name} = {str(value)[:60]!r} must be {kind}"
        if isinstance(value, int) and abs(value) > LARGEST:
            return f"{name} = {value:.3g} is larger than any count"
    return _why_not_allowed(record)


def why_not_measured(record: Mapping[str, Any]) -> str:
    """Which number of a cell that says ok cannot have been measured; empty if all can."""
    for name, kind in COLUMNS.items():
        value = record[name]
        if kind == TEXT or value is None:
            continue
        if not math.isfinite(value) or abs(value) > LARGEST_MEASURED or (value < 0 and name not in SIGNED):
            return f"{name} = {value:g} cannot have been measured"
    return ""


def why_no_verdict(verdict: object) -> str:
    """What is wrong with an audit's verdict; empty if nothing is."""
    try:
        found = _Verdict.model_validate(verdict)
    except pydantic.ValidationError as error:
        return " ".join(first_problem(error))
    return _why_not_allowed(found.model_dump())


def why_no_run(run: Mapping[str, Any]) -> str:
    """What is wrong with a run.json that has the right version; empty if nothing is."""
    try:
        _Run.model_validate(run)
        Experiment.from_dict(run["experiment"])
    except pydantic.ValidationError as error:
        return " ".join(first_problem(error))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        return f"experiment cannot be understood ({type(error).__name__}: {error})"
    return ""


def _why_not_allowed(values: Mapping[str, Any]) -> str:
    for name, allowed in ALLOWED.items():
        if values[name] not in allowed:
            return f"{name} = {values[name]!r} is not one of {', '.join(allowed)}"
    return ""


class _Finding(pydantic.BaseModel):
    subject: str
    asked: Any
    got: Any
    result: str


class _Verdict(pydantic.BaseModel):
    framework: str
    method: str
    track: str
    same_job: str
    reasons: list[str]
    deviations: list[str]
    findings: list[_Finding]
    tolerance: str
    job_sha256: str
    loss_tolerance: float
    reference_losses: list[float | None] = []

    @pydantic.field_validator("same_job")
    @classmethod
    def _is_a_verdict(cls, value: str) -> str:
        if value not in SAME_JOB:
            raise ValueError(f"is not one of {', '.join(SAME_JOB)}")
        return value


class _Host(pydantic.BaseModel):
    system: str
    machine: str
    cpu: str
    cpu_threads: int
    memory_bytes: int
    gpu: str | None
    gpu_memory_bytes: int | None
    gpu_driver: str | None


class _Inputs(pydantic.BaseModel):
    model_source: str
    tokenizer_source: str
    dataset_source: str
    model_sha256: str
    blocks_sha256: str
    adapter_sha256: str | None


class _Framework(pydantic.BaseModel):
    notes: list[str] = []
    versions: dict[str, str] = {}


class _Run(pydantic.BaseModel):
    name: str
    status: str
    created: str
    harness_version: str
    source_commit: str | None
    host: _Host
    omp_num_threads: int
    start: str | None
    experiment: dict[str, Any]
    inputs: dict[Method, _Inputs]
    frameworks: dict[str, _Framework]
