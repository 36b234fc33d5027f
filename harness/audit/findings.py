"""One thing that was asked, what was got, and whether they are the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.job.native import PRECISION_SUBJECTS

Result = Literal["same", "deviates", "differs", "not readable"]

QUANTIZATION = "quantization"
LOSS = "loss at every step"
MAY_DEVIATE = (*PRECISION_SUBJECTS, QUANTIZATION)
"""What an adapter may declare to do differently and still train the same job: how numbers are stored.

Everything else that differs is another job, whatever the adapter says.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A line of the audit."""

    subject: str
    """A field of Job by its name, or what was observed, in words."""
    asked: str
    got: str
    result: Result


def compared(subject: str, asked: object, got: object) -> Finding:
    """Same if the two are equal."""
    return Finding(subject=subject, asked=shown(asked), got=shown(got), result="same" if asked == got else "differs")


def judged(subject: str, asked: object, got: object, same: bool) -> Finding:
    """Same if the caller says so."""
    return Finding(subject=subject, asked=shown(asked), got=shown(got), result="same" if same else "differs")


def unreadable(subject: str, asked: object, why: str) -> Finding:
    """Not read back, with the reason."""
    return Finding(subject=subject, asked=shown(asked), got=why, result="not readable")


def one_of(values: Iterable[object]) -> object:
    """The single value if all are the same, else all different ones as text."""
    different = list(dict.fromkeys(values))
    return different[0] if len(different) == 1 else ", ".join(shown(value) for value in different) or "none"


def shown(value: object) -> str:
    """A value as the audit prints it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.7g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, tuple | list | frozenset | set):
        return ", ".join(shown(part) for part in value) or "none"
    return str(value)
