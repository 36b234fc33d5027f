"""recipes/tuned/<framework>.yaml -> each framework's documented advice for a job: its knobs and their sources."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pydantic

from harness.errors import RecipeError
from harness.files.locations import RECIPES
from harness.files.yaml_files import Strict, read_yaml
from harness.job.experiment import Tuning
from harness.job.job import METHODS, Attention, Job, Method
from harness.job.native import deep_merge

TUNED = RECIPES / "tuned"


class Knobs(Strict):
    """The knobs that tuning may change. Every other field says what is trained, and stays."""

    gradient_accumulation_steps: int | None = pydantic.Field(default=None, ge=1)
    """The micro batch follows from it: an optimizer step keeps the job's tokens."""
    gradient_checkpointing: bool | None = None
    compile: bool | None = None
    attention: Attention | None = None
    optimizer: Literal["adamw_torch_fused", "adamw_torch"] | None = None


class Setting(Strict):
    """One piece of advice."""

    what: str = pydantic.Field(min_length=1)
    source: str = pydantic.Field(min_length=1)
    """Who advises it, and where."""
    devices: list[Literal["cpu", "cuda"]] = pydantic.Field(["cpu", "cuda"], min_length=1)
    methods: list[Method] = pydantic.Field(list(METHODS), min_length=1)
    job: Knobs = Knobs()
    native: dict[str, Any] = {}
    """Options that deep_merge puts into the framework's config."""

    @pydantic.model_validator(mode="after")
    def _says_something(self) -> Setting:
        if not self.native and not self.job.model_dump(exclude_none=True):
            raise ValueError("sets nothing: it needs job or native")
        return self


class _TunedFile(Strict):
    settings: list[Setting]


def tunings_of(
    frameworks: Iterable[str],
    jobs: Mapping[Method, Job],
    device: str,
    folder: Path = TUNED,
    *,
    given: Sequence[Setting] | None = None,
) -> dict[str, dict[Method, Tuning]]:
    """Return what each framework's file advises for each job on a device, or `given` instead. Raises RecipeError."""
    tunings = {}
    for framework in frameworks:
        path = folder / f"{framework}.yaml"
        settings = _read(path) if given is None else given
        tunings[framework] = {method: _tuning(path, settings, job, device) for method, job in jobs.items()}
    return tunings


def untuned(job: Job) -> Job:
    """Return the job with every tunable knob at one fixed value: equal for all tunings of one job."""
    return dataclasses.replace(
        job,
        micro_batch_size=job.micro_batch_size * job.gradient_accumulation_steps,
        gradient_accumulation_steps=1,
        gradient_checkpointing=False,
        compile=False,
        attention="sdpa",
        optimizer="adamw_torch",
    )


def _read(path: Path) -> Sequence[Setting]:
    try:
        return read_yaml(path, _TunedFile, what="tuned settings", sections=[Setting, Knobs]).settings
    except FileNotFoundError as error:
        raise RecipeError(path, None, "no such file; the tuned track needs one for each framework") from error


def _tuning(path: Path, settings: Iterable[Setting], job: Job, device: str) -> Tuning:
    knobs: dict[str, Any] = {}
    native: dict[str, Any] = {}
    advice: list[str] = []
    for setting in settings:
        if device in setting.devices and job.method in setting.methods:
            knobs |= setting.job.model_dump(exclude_none=True)
            native = deep_merge(native, setting.native)
            advice.append(f"{setting.what} ({setting.source})")
    return Tuning(job=_tuned_job(path, job, knobs), native=native, advice=tuple(advice))


def _tuned_job(path: Path, job: Job, knobs: Mapping[str, Any]) -> Job:
    accumulation = knobs.get("gradient_accumulation_steps", job.gradient_accumulation_steps)
    blocks = job.micro_batch_size * job.gradient_accumulation_steps
    if blocks % accumulation:
        problem = f"{accumulation} must divide the {blocks} blocks of one of the job's optimizer steps"
        raise RecipeError(path, "gradient_accumulation_steps", problem)
    return dataclasses.replace(job, **{**knobs, "micro_batch_size": blocks // accumulation})
