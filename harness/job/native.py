"""What travels between the harness and an adapter: the job in a framework's words, and why it cannot be said in them.

Standard library only: every framework's environment imports it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Unsupported(Exception):
    """The framework cannot do what the job asks; the message says what and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """Where and on what one cell runs."""

    device: str
    """"cpu" or "cuda"."""
    output_path: str
    """An empty folder that is removed when the cell has ended."""


PRECISION_SUBJECTS = (
    "dtype of trained weights",
    "dtype of frozen weights",
    "dtype of gradients",
    "dtype of optimizer state",
)
"""The audit's findings that bf16 by autocast explains. Autocast does not explain matmuls that did not run in bf16."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """Something of the job that the framework does differently, declared before it is measured."""

    text: str
    """What every report says of it."""
    subjects: tuple[str, ...]
    """The audit's findings that it explains (harness.audit.findings.MAY_DEVIATE)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NativeConfig:
    """The job in the framework's own words."""

    options: Mapping[str, Any]
    """What the framework reads: the keys of its config file, or the keyword arguments of its functions."""
    filename: str
    """How `harness show` names the file that holds `options`; its ending says YAML or JSON."""
    command: str
    """The framework's own command for that file; $BIN is its environment's bin/, $SOURCE this project."""
    deviations: tuple[Deviation, ...] = ()
    """What of the job the framework does differently; what it cannot do raises Unsupported."""


def deep_merge(options: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`options` with the values of `change` in their place; mappings are merged, every other value is replaced."""
    merged = dict(options)
    for key, value in change.items():
        old = merged.get(key)
        merged[key] = deep_merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
