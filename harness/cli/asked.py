"""What commands share: turn options into an experiment for this machine, show progress, handle signals."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from harness.cli.screens.progress import PlainObserver
    from harness.job.experiment import Experiment
    from harness.job.recipe import Choices


CHOSEN_BY = {"framework": "frameworks", "method": "methods", "timeout": "timeout_seconds", "silence": "silence_seconds"}
"""The option that makes a choice, if its name differs."""


def choices_of(options: Mapping[str, Any], **fixed: Any) -> Choices:
    """Return the choices that a command's options make. `fixed`: choices that the command itself makes."""
    from harness.job.recipe import Choices

    named = {CHOSEN_BY.get(name, name): value for name, value in options.items()}
    named["settings"] = tuple(named.get("settings") or ())
    named |= {name: Path(named[name]) for name in ("recipe", "dataset") if named.get(name) is not None}
    fields = {field.name for field in dataclasses.fields(Choices)}
    return Choices(**{**{name: value for name, value in named.items() if name in fields}, **fixed})


def experiment_here(choices: Choices) -> Experiment:
    """Return the experiment for this machine. Raises RecipeError if recipe or machine do not have what it needs."""
    from harness.job.recipe import resolve
    from harness.machine.gpu import gpu_is_present

    experiment = resolve(choices, gpu_present=gpu_is_present())
    check_device(experiment, choices.profile)
    return experiment


def check_device(experiment: Experiment, profile: str | None) -> None:
    """Refuse a profile for another kind of machine, and a GPU that is missing. Raises RecipeError."""
    from harness.errors import RecipeError
    from harness.machine.gpu import gpu_is_present

    check_gpu_name(experiment, profile)
    if experiment.device == "cuda" and not gpu_is_present():
        problem = f"{experiment.profile!r} needs an NVIDIA GPU, and NVML finds none; --profile cpu runs here"
        raise RecipeError("command line", "--profile", problem)


def check_gpu_name(experiment: Experiment, profile: str | None) -> None:
    """Refuse a GPU that CUDA_VISIBLE_DEVICES names and that is missing, unless the user typed a CPU profile.

    Raises RecipeError.
    """
    from harness.errors import RecipeError
    from harness.machine.visible_devices import VISIBLE, why_no_such_device

    if (experiment.device == "cuda" or profile is None) and (problem := why_no_such_device()):
        raise RecipeError("environment", VISIBLE, f"{problem}; unset it, or ask for the CPU with --profile cpu")


def new_run_path(experiment: Experiment) -> Path:
    """Return a new folder in results/, named by time and profile."""
    import datetime

    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    return Path("results") / f"{now}-{experiment.profile}"


def observer_on(console: Console, *, quiet: bool = False) -> PlainObserver:
    """Return what shows progress: a live table on a terminal, else lines; nothing if `quiet`."""
    from harness.cli.screens.progress import LiveObserver, PlainObserver, SilentObserver

    if quiet:
        return SilentObserver(console)
    return LiveObserver(console) if console.is_terminal else PlainObserver(console)


def heed_signals() -> None:
    """Let SIGTERM, and SIGHUP unless it is ignored (nohup), act like Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
