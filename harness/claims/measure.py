"""A claim -> the cells that would measure it, as choices of a run; or why this harness cannot."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from harness.claims.conditions import JOB_KNOBS
from harness.claims.evidence import QWEN3_06B
from harness.claims.metrics import MEANINGS, OF_PROCESSES, OF_SEARCHES
from harness.claims.registry import Claim, Conditions, Part
from harness.errors import RecipeError
from harness.frameworks import FRAMEWORKS
from harness.job import METHODS
from harness.recipe import Choices

KNOBS = tuple(name for name in JOB_KNOBS if name != "method")
"""Conditions that are knobs of a job by the same name; a run has a job per method."""


def choices_for(claim: Claim) -> Choices:
    """Exactly the cells that the claim needs: both sides, its methods, its knobs. Raises RecipeError with why not."""
    parts = _measurable(claim, OF_PROCESSES)
    if not parts:
        command = command_for(claim)
        problem = f"no training run measures it; try: {command}" if command else why_unmeasurable(claim)
        raise RecipeError("command line", "--claim", f"{claim.id}: {problem}")
    told = [claim.conditions_of(part) for part in parts]
    methods = {conditions.method for conditions in told}
    tracks = {conditions.track or "parity" for conditions in told}
    return Choices(
        frameworks=",".join(_sides(claim, parts)),
        methods=None if None in methods else ",".join(method for method in METHODS if method in methods),
        track=tracks.pop() if len(tracks) == 1 else "all",
        settings=tuple(_settings(told)),
    )


def command_for(claim: Claim) -> str | None:
    """What to type on a machine of the claim's kind; None if no command of this harness measures it."""
    if _measurable(claim, OF_PROCESSES):
        return f"python -m harness run --claim {claim.id}"
    parts = _measurable(claim, OF_SEARCHES)
    if not parts:
        return _probing(claim)
    told = [claim.conditions_of(part) for part in parts]
    budgets = sorted({one.memory_gb for one in told if one.memory_gb is not None})
    words = ["python", "-m", "harness", "probe", "--max-context", "--frameworks", ",".join(_sides(claim, parts))]
    if budgets:
        words += ["--budget", ",".join(f"{budget:g}GB" for budget in budgets)]
    if told[0].method is not None:
        words += ["--method", told[0].method]
    for setting in (*_settings(told), "model=random", "shape.max_position_embeddings=1048576"):
        words += ["--set", setting]
    return shlex.join(words)


def _probing(claim: Claim) -> str | None:
    """The command that tries what a claim says can be done, or rates it; None if it says nothing of that kind."""
    if any(part.metric in ("stars", "recommended") for part in claim.parts):
        return "python -m harness run --frameworks all --profile gpu --methods all --track all"
    parts = [part for part in claim.parts if MEANINGS[part.metric].quantity == "capability"]
    if not parts or claim.setting:
        return None
    names = dict.fromkeys(name for part in parts for name in part.what)
    frameworks = ",".join(_sides(claim, parts))
    return f"python -m harness probe --frameworks {frameworks} --capabilities {','.join(names)}"


def why_unmeasurable(claim: Claim) -> str:
    """Why no command measures any part of it, in words."""
    if claim.setting:
        return f"it holds {claim.subject} with and without {claim.setting} against each other, which no run does yet"
    if all(MEANINGS[part.metric].quantity not in (*OF_PROCESSES, *OF_SEARCHES) for part in claim.parts):
        return "it is no figure of a training run"
    told = [claim.conditions_of(part) for part in claim.parts]
    if others := sorted({text for conditions in told for text in conditions.others}):
        return f"no job of this harness has {'; '.join(others)}"
    models = sorted({conditions.model for conditions in told if conditions.model not in (None, QWEN3_06B)})
    if models:
        return f"it is of {', '.join(filter(None, models))}, and this harness trains Qwen3 models"
    return "it is of several GPUs, and this harness trains on one"


def _measurable(claim: Claim, quantities: Sequence[str]) -> list[Part]:
    if claim.setting:
        return []
    return [
        part
        for part in claim.parts
        if MEANINGS[part.metric].quantity in quantities and _has_a_job(claim.conditions_of(part))
    ]


def _has_a_job(conditions: Conditions) -> bool:
    return not conditions.others and conditions.model in (None, QWEN3_06B) and conditions.gpus in (None, 1)


def _sides(claim: Claim, parts: Sequence[Part]) -> tuple[str, ...]:
    names = {name for part in parts for name in (part.subject or claim.subject, part.baseline or claim.baseline)}
    return tuple(name for name in FRAMEWORKS if name in names)


def _settings(told: Sequence[Conditions]) -> list[str]:
    """The knobs that all parts tell alike; a run has one job per method."""
    settings = []
    for name in KNOBS:
        values = {getattr(conditions, name) for conditions in told}
        if len(values) == 1 and (value := values.pop()) is not None:
            settings.append(f"{name}={_yaml(value)}")
    return settings


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{','.join(value)}]" if isinstance(value, tuple) else str(value)
