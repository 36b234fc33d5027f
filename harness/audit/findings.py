"""A finding: what was asked, what was observed, and whether they are the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Result = Literal["same", "deviates", "differs", "not readable"]

QUANTIZATION = "quantization"
LOSS = "loss at every step"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A line of the audit."""

    subject: str
    """A field of Job by its name, or in words what was observed."""
    asked: str
    got: str
    result: Result


def compared(subject: str, asked: object, got: object) -> Finding:
    """Return a finding that is the same if the two are equal."""
    return Finding(subject=subject, asked=shown(asked), got=shown(got), result="same" if asked == got else "differs")


def judged(subject: str, asked: object, got: object, same: bool) -> Finding:
    """Return a finding with the caller's judgement."""
    return Finding(subject=subject, asked=shown(asked), got=shown(got), result="same" if same else "differs")


def unreadable(subject: str, asked: object, why: str) -> Finding:
    """Return a finding for what could not be read back, with the reason."""
    return Finding(subject=subject, asked=shown(asked), got=why, result="not readable")


def one_of(values: Iterable[object]) -> object:
    """Return the single value if all are the same, else all different values as text."""
    different = list(dict.fromkeys(values))
    return different[0] if len(different) == 1 else ", ".join(shown(value) for value in different) or "none"


def shown(value: object) -> str:
    """Return a value as the audit prints it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.7g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple | list | frozenset | set):
        return ", ".join(shown(part) for part in value) or "none"
    return str(value)
