"""What the harness and an adapter exchange: the job as a framework's config, or why it cannot be one.

Standard library only: every framework's environment imports it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Unsupported(Exception):
    """The framework cannot do what the job asks. The message says what and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """Folders and device of one cell."""

    device: str
    """"cpu" or "cuda"."""
    output_path: str
    """An empty folder that is removed after the cell."""


PRECISION_SUBJECTS = (
    "dtype of trained weights",
    "dtype of frozen weights",
    "dtype of gradients",
    "dtype of optimizer state",
)
"""Findings of the audit that bf16 by autocast explains. It does not explain matmuls that ran in another dtype."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """A difference from the job that an adapter declares before anything is measured."""

    text: str
    """What every report says of it."""
    subjects: tuple[str, ...]
    """The audit's findings that it explains (harness.audit.deviations.MAY_DEVIATE)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NativeConfig:
    """The job as a framework's config."""

    options: Mapping[str, Any]
    """What the framework reads: keys of its config file, or keyword arguments of its functions."""
    filename: str
    """Name that `harness show` gives to the file of `options`. Its ending says YAML or JSON."""
    command: str
    """The framework's command for that file; $BIN is its environment's bin/, $SOURCE this project."""
    deviations: tuple[Deviation, ...] = ()
    """How the framework differs from the job. What it cannot do raises Unsupported."""


def deep_merge(options: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return `options` with the values of `change`. Mappings are merged; every other value is replaced."""
    merged = dict(options)
    for key, value in change.items():
        old = merged.get(key)
        merged[key] = deep_merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
