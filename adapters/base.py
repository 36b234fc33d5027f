"""The interface of an adapter: a pure translation of the job, and a run of the framework's training path."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harness.job.inputs import Inputs
from harness.job.job import Job
from harness.job.native import (
    PRECISION_SUBJECTS,
    Deviation,
    NativeConfig,
    Unsupported,
    Workspace,
    deep_merge,
)

__all__ = [
    "PRECISION_SUBJECTS",
    "Adapter",
    "Deviation",
    "Inputs",
    "Job",
    "LiveJob",
    "NativeConfig",
    "Recorder",
    "Unsupported",
    "Workspace",
    "deep_merge",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveJob:
    """The objects that are about to train, for inspection. They must not be kept or changed."""

    model: Any
    """The torch module whose forward the framework calls."""
    optimizer: Any
    """The optimizer, or accelerate's wrapper of it; None if the framework has not made it yet."""
    attention: str | None
    """The attention that the framework says it uses, in the job's words."""
    canonical_name: Callable[[str], str]
    """A parameter's or module's name in `model` -> its name in a transformers checkpoint; for LoRA, peft's name."""


class Recorder(Protocol):
    """What a training path reports to, from its framework's hooks."""

    def training_begins(self, live: LiveJob) -> None:
        """The model is loaded, and the first optimizer step comes next."""

    def step_ends(self) -> None:
        """An optimizer step has ended, now."""

    def step_logged(
        self, step: int, *, loss: float, grad_norm: float | None = None, learning_rate: float | None = None
    ) -> None:
        """The framework's unrounded figures for optimizer step `step`, counted from 1."""

    def fact(self, name: str, value: object) -> None:
        """Something read back from the live objects (plain JSON values), for the record."""


class Adapter(abc.ABC):
    """One framework. Instances have no state; everything that a cell needs is an argument."""

    name: str
    package: str
    """The distribution whose version is the framework's."""
    modules: tuple[str, ...]
    """What `warm` imports, in this order."""
    import_path: str | None = None
    """A folder beside the adapter at the end of sys.path: stand-ins for modules that may be missing.

    The first line of a stand-in's docstring is what every report says about its use.
    """
    environment: Mapping[str, str] = {}
    """Environment variables set before the import: no telemetry, little output."""
    cpu_environment: Mapping[str, str] = {}
    """Further environment variables on a machine without an accelerator."""
    notes: tuple[str, ...] = ()
    """What every report says of the framework, on any device."""
    cpu_notes: tuple[str, ...] = ()
    """What every report says of the framework if it ran on a CPU."""
    gpu_notes: tuple[str, ...] = ()
    """What every report says of the framework if it ran on a GPU."""

    def stand_in_folder(self, adapters: Path) -> str | None:
        """Return `import_path` below the folder of all adapters; None if it has none."""
        return None if self.import_path is None else str(adapters / self.name / self.import_path)

    @abc.abstractmethod
    def configure(self, job: Job, inputs: Inputs, workspace: Workspace) -> NativeConfig:
        """Return the job as the framework's config. Pure: imports no framework, touches no file. Raises Unsupported."""

    @abc.abstractmethod
    def train(self, config: NativeConfig, recorder: Recorder) -> None:
        """Run the framework's training path to its end, inside its environment."""
