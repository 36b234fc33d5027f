"""What can run on this machine, and what is missing. Changes nothing."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.environment.build import find_environment
from harness.environment.environment import Environment
from harness.environment.overlays import chosen_overlays, overlay_problems
from harness.environment.python import find_python
from harness.environment.uv import PIP_TO_UV, pip_settings, settings_left_out, uv_command
from harness.errors import BundleError, EnvironmentBuildError, ModelError
from harness.job.frameworks import FRAMEWORKS
from harness.machine.container import cpu_quota_cores
from harness.machine.gpu import first_gpu
from harness.machine.host import free_memory_bytes, training_threads
from harness.machine.visible_devices import VISIBLE, why_no_such_device
from harness.prepare.hub import hub_answers
from harness.text import units

ENVIRONMENTS_BYTES = 6 * 2**30
"""Disk for all environments with uv's cache on a machine without a GPU. CUDA packages need about as much again."""
MEMORY_BYTES = 4 * 2**30
"""Enough for the cpu profile with all frameworks imported."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was checked."""

    subject: str
    found: str
    advice: str = ""
    """What to do about it; empty if nothing."""
    prevents_runs: bool = False


def examine(cache: Path, torch_backend: str) -> list[Check]:
    """Check everything that decides whether and how a run works here."""
    return [
        _python(),
        _uv(overlays_chosen=chosen_overlays(cache) is not None),
        _gpu(),
        _threads(),
        _memory(),
        _disk(cache),
        _hub(),
        _pip(),
        *_frameworks(cache, torch_backend),
    ]


def _python() -> Check:
    return Check(subject="Python", found=platform.python_version())


def _uv(*, overlays_chosen: bool) -> Check:
    try:
        command = uv_command()
    except EnvironmentBuildError as error:
        if overlays_chosen:
            return Check(subject="uv", found="missing, and not needed: overlays are installed")
        return Check(subject="uv", found="missing", advice=str(error), prevents_runs=True)
    # uv may be a program of the machine and no package of this interpreter.
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    return Check(subject="uv", found=done.stdout.strip() or "does not start")


def _gpu() -> Check:
    gpu = first_gpu()
    if problem := why_no_such_device():
        return Check(subject="GPU", found=f"{VISIBLE}: {problem}", advice="unset it", prevents_runs=True)
    if gpu is None:
        return Check(subject="GPU", found="none", advice="the cpu profile runs; it ranks no framework for a GPU")
    found = f"{gpu.name}, {units.gibibytes(gpu.memory_bytes)}, driver {gpu.driver_version}"
    return Check(subject="GPU", found=found)


def _threads() -> Check:
    quota = cpu_quota_cores()
    limited = "" if quota is None else f"; the container has {quota:g} cores"
    return Check(subject="threads a worker", found=f"{training_threads()} (OMP_NUM_THREADS changes it){limited}")


def _memory() -> Check:
    free = free_memory_bytes()
    advice = "" if free >= MEMORY_BYTES else f"at least {units.gibibytes(MEMORY_BYTES)} are advised"
    return Check(subject="free memory", found=units.gibibytes(free), advice=advice)


def _disk(cache: Path) -> Check:
    place = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    advice = "" if free >= ENVIRONMENTS_BYTES else f"setup needs about {units.gibibytes(ENVIRONMENTS_BYTES)}"
    return Check(subject="free disk", found=f"{units.gibibytes(free)} for the cache in {cache}", advice=advice)


def _hub() -> Check:
    try:
        answers = hub_answers()
    except ModelError as error:
        return Check(subject="model hub", found="does not answer", advice=str(error), prevents_runs=True)
    if answers:
        return Check(subject="model hub", found="answers")
    advice = "seeded random weights and a stand-in text are used; --dataset and --set model=PATH take your own"
    return Check(subject="model hub", found="does not answer", advice=advice)


def _pip() -> Check:
    passed, left = sorted(set(pip_settings()) & PIP_TO_UV.keys()), settings_left_out()
    found = f"{', '.join(passed)} are passed on to uv" if passed else "none of its own"
    advice = f"{', '.join(left)} are not: the locks say what is installed" if left else ""
    return Check(subject="pip's settings", found=found, advice=advice)


def _overlays(cache: Path, overlays: Mapping[str, Environment]) -> list[Check]:
    try:
        problems = overlay_problems(cache)
    except BundleError as error:
        return [Check(subject="overlays", found="unusable", advice=str(error), prevents_runs=True)]
    interpreters = sorted({str(overlay.python) for overlay in overlays.values()})
    checks = [Check(subject="the node's Python", found=", ".join(interpreters) or "not known")]
    for name in FRAMEWORKS:
        if name not in overlays:
            advice = f"harness setup --offline --bundle DIR --frameworks {name}"
            checks.append(Check(subject=name, found="no overlay installed", advice=advice))
        elif problems[name]:
            advice = "its interpreter has changed; make the bundle again"
            checks.append(Check(subject=name, found="; ".join(problems[name]), advice=advice))
        else:
            checks.append(Check(subject=name, found="overlay is ready"))
    return checks


def _frameworks(cache: Path, torch_backend: str) -> list[Check]:
    if (overlays := chosen_overlays(cache)) is not None:
        return _overlays(cache, overlays)
    try:
        find_python()
        built = {name: find_environment(name, torch_backend=torch_backend, cache=cache) for name in FRAMEWORKS}
    except EnvironmentBuildError as error:
        return [Check(subject="environments", found="cannot be built", advice=str(error), prevents_runs=True)]
    missing = "not built yet"
    return [
        Check(
            subject=name,
            found=missing if environment is None else "environment is ready",
            advice=f"run builds it, or: harness setup --frameworks {name}" if environment is None else "",
        )
        for name, environment in built.items()
    ]
