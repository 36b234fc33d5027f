"""A claim -> the cells that would measure it, as choices of a run; or why this harness cannot measure it."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Collection, Sequence
from typing import Any

from harness.errors import RecipeError
from harness.job.frameworks import FRAMEWORKS
from harness.job.job import METHODS
from harness.job.recipe import Choices
from harness.job.tuned import Setting
from harness.studies.claims.measured_under import JOB_KNOBS
from harness.studies.claims.metric_ranges import MEANINGS, OF_DEPLOYMENTS, OF_PROCESSES, OF_SEARCHES
from harness.studies.claims.named_models import MODELS, QWEN3_06B
from harness.studies.claims.registry import Claim, Conditions, Part

FULL_SHAPE = "cpu-0.6b"
"""The recipe's profile with Qwen3-0.6B's shape on a CPU."""
KNOBS = tuple(name for name in JOB_KNOBS if name != "method")
"""Conditions that are knobs of a job by the same name. A run has one job per method."""


def choices_for(claim: Claim) -> Choices:
    """Return exactly the cells that the claim needs: its sides, methods and knobs. Raises RecipeError with why not."""
    parts = _measurable(claim, OF_PROCESSES)
    if not parts:
        command = command_for(claim)
        problem = f"no training run measures it; try: {command}" if command else why_unmeasurable(claim)
        raise RecipeError("command line", "--claim", f"{claim.id}: {problem}")
    conditions = [claim.conditions_of(part) for part in parts]
    switches = [switch for part in parts if (switch := claim.setting_of(part)) is not None]
    methods = {stated.method for stated in conditions} | {switch.instead_of for switch in switches if switch.instead_of}
    tracks = {stated.track or "parity" for stated in conditions}
    source = f"claim {claim.id}: {claim.source.where}"
    turned = tuple(
        Setting.model_validate({"what": switch.what, "source": source, "job": switch.job, "native": switch.native})
        for switch in switches[:1]
        if switch.turns
    )
    return Choices(
        frameworks=",".join(_sides(claim, parts)),
        methods=None if None in methods else ",".join(method for method in METHODS if method in methods),
        track="all" if turned or len(tracks) > 1 else tracks.pop(),
        tuned=turned or None,
        settings=tuple(_settings(conditions, switched={name for switch in switches for name in switch.knobs})),
    )


def command_for(claim: Claim) -> str | None:
    """Return what to type on a machine of the claim's kind; None if no command measures the claim."""
    if _measurable(claim, OF_PROCESSES):
        return f"python -m harness run --claim {claim.id}"
    parts = _measurable(claim, OF_SEARCHES)
    if not parts:
        return _probing(claim)
    conditions = [claim.conditions_of(part) for part in parts]
    budgets = sorted({stated.memory_gb for stated in conditions if stated.memory_gb is not None})
    words = ["python", "-m", "harness", "probe", "--max-context", "--frameworks", ",".join(_sides(claim, parts))]
    if budgets:
        words += ["--budget", ",".join(f"{budget:g}GB" for budget in budgets)]
    if conditions[0].method is not None:
        words += ["--method", conditions[0].method]
    for setting in (*_settings(conditions), "model=random", "shape.max_position_embeddings=1048576"):
        words += ["--set", setting]
    return shlex.join(words)


def _probing(claim: Claim) -> str | None:
    """Return the command that tries or rates what a claim says; None if the claim says nothing of that kind."""
    if any(part.metric in ("stars", "recommended") for part in claim.parts):
        return "python -m harness run --frameworks all --profile gpu --methods all --track all"
    parts = [part for part in claim.parts if MEANINGS[part.metric].quantity == "capability"]
    if not parts:
        return _deploying(claim)
    names = dict.fromkeys(name for part in parts for name in part.what)
    frameworks = ",".join(_sides(claim, parts))
    return f"python -m harness probe --frameworks {frameworks} --capabilities {','.join(names)}"


def _deploying(claim: Claim) -> str | None:
    """Return the command that takes results to llama.cpp; None if the claim says nothing about that."""
    parts = [part for part in claim.parts if MEANINGS[part.metric].quantity in OF_DEPLOYMENTS]
    if not parts:
        return None
    formats = dict.fromkeys(name for part in parts for name in part.what if part.metric != "easy_to_export")
    stated = claim.conditions_of(parts[0])
    words = ["python", "-m", "harness", "deploy", "--frameworks", ",".join(_sides(claim, parts))]
    words += ["--methods", stated.method or "all"]
    words += ["--profile", FULL_SHAPE] if stated.model == QWEN3_06B else []
    return shlex.join([*words, *(["--quantize", ",".join(formats)] if formats else [])])


def why_unmeasurable(claim: Claim) -> str:
    """Return why no command measures any part of it, in words."""
    words = [
        switch.what for part in claim.parts if (switch := claim.setting_of(part)) is not None and not switch.can_be_run
    ]
    if words:
        return f"it holds {claim.subject} with and without something against itself that no run has: {words[0]}"
    if all(MEANINGS[part.metric].quantity not in (*OF_PROCESSES, *OF_SEARCHES) for part in claim.parts):
        return "it is no figure of a training run"
    conditions = [claim.conditions_of(part) for part in claim.parts]
    if others := sorted({text for stated in conditions for text in stated.others}):
        return f"no job of this harness has {'; '.join(others)}"
    if models := sorted(
        {stated.model for stated in conditions if stated.model is not None and stated.model not in MODELS}
    ):
        return f"it is of {', '.join(models)}; of the models that claims name, this harness trains {', '.join(MODELS)}"
    return "it is of several GPUs, and this harness trains on one"


def _measurable(claim: Claim, quantities: Sequence[str]) -> list[Part]:
    return [
        part
        for part in claim.parts
        if MEANINGS[part.metric].quantity in quantities
        and _has_a_job(claim.conditions_of(part))
        and ((switch := claim.setting_of(part)) is None or switch.can_be_run)
    ]


def _has_a_job(conditions: Conditions) -> bool:
    return not conditions.others and conditions.model in (None, *MODELS) and conditions.gpus in (None, 1)


def _sides(claim: Claim, parts: Sequence[Part]) -> tuple[str, ...]:
    names = {name for part in parts for name in (part.subject or claim.subject, part.baseline or claim.baseline)}
    return tuple(name for name in FRAMEWORKS if name in names)


def _settings(conditions: Sequence[Conditions], switched: Collection[str] = ()) -> list[str]:
    """Return the model and knobs that all parts state alike, without switched ones: a run has one job per method."""
    settings = []
    models = {stated.model for stated in conditions}
    if len(models) == 1 and (model := models.pop()) not in (None, QWEN3_06B):
        shape = dataclasses.asdict(MODELS[str(model)])
        settings += [f"model={model}", "model_revision=null"]
        settings += [f"shape.{name}={_yaml(value)}" for name, value in shape.items()]
    for name in (name for name in KNOBS if name not in switched):
        values = {getattr(stated, name) for stated in conditions}
        if len(values) == 1 and (value := values.pop()) is not None:
            settings.append(f"{name}={_yaml(value)}")
    return settings


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{','.join(value)}]" if isinstance(value, tuple) else str(value)
