"""Rows of recorded runs, as values, for tests of what follows from them."""

from __future__ import annotations

import dataclasses
from typing import Any

from harness.job.experiment import Tuning
from harness.job.job import Job
from harness.job.recipe import Choices, resolve
from harness.studies.claims.evidence import Circumstances, Evidence, LongestContext
from harness.studies.claims.named_models import model_of
from harness.studies.claims.registry import Claim

GPU_JOB = resolve(Choices(profile="gpu"), gpu_present=True).jobs["qlora"]


def under(framework: str, job: Job = GPU_JOB, **changed: Any) -> Circumstances:
    """An H200 that trained Qwen3-0.6B by QLoRA in the parity track, unless changed."""
    values: dict[str, Any] = {
        "run": "some-run",
        "machine": "NVIDIA H200",
        "device": "cuda",
        "memory_bytes": 150_000_000_000,
        "framework": framework,
        "version": "1.0",
        "versions": {"transformers": "5.17.0"},
        "track": "parity",
        "job": job,
        "model": model_of(job),
    }
    return Circumstances(**{**values, **changed})


def row(framework: str, rates: tuple[float, ...], *, same_job: str = "yes", **changed: Any) -> Evidence:
    """What a framework's processes gave; memory is a hundredth of a GiB per token/s."""
    circumstances = under(framework, **changed)
    return Evidence(
        under=circumstances,
        section=circumstances.job.method,
        conditions=1,
        same_job=same_job,
        same_loss=same_job == "yes",
        loss_seen="within 1e-7",
        tokens_per_second=dict(enumerate(rates, start=1)),
        peak_memory_bytes={number: rate * 2**30 / 100 for number, rate in enumerate(rates, start=1)},
    )


def tuned_row(
    framework: str, rates: tuple[float, ...], *, native: dict[str, Any] | None = None, **changed: Any
) -> Evidence:
    """Likewise in the tuned track; what of `changed` is a knob of the job is tuned."""
    knobs = {name: changed.pop(name) for name in ("compile", "gradient_checkpointing") if name in changed}
    job = dataclasses.replace(GPU_JOB, **knobs)
    tuning = Tuning(job=job, native=native or {}, advice=())
    return row(framework, rates, job=job, track="tuned", tuning=tuning, **changed)


def context(framework: str, tokens: int, too_long: int | None, **changed: Any) -> LongestContext:
    """What a search found, one sequence at a time."""
    job = dataclasses.replace(GPU_JOB, micro_batch_size=1, sequence_length=64)
    return LongestContext(under=under(framework, job=job, **changed), tokens=tokens, too_long=too_long)


def claim(**changed: Any) -> Claim:
    values: dict[str, Any] = {
        "id": "Z1",
        "statement": "Unsloth trains 2 to 5 times as fast.",
        "subject": "unsloth",
        "baseline": "transformers",
        "parts": [{"metric": "times_faster", "at_least": 2, "at_most": 5}],
        "source": {"where": "here", "date": "now"},
    }
    return Claim.model_validate({**values, **changed})
