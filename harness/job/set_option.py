"""`--set KEY=VALUE`: read VALUE by the type of the job's field. Text is taken literally, numbers in base ten."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from harness.job.job import Job, ModelShape

NOTHING = ("", "null", "none", "~")
"""What stands for None, if a field may be None."""
TRUTH = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
WHOLE = re.compile(r"[-+]?[0-9]+")
DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
MOST_DIGITS = 30
"""Longest number that is read; no knob needs more digits."""


def job_fields() -> Mapping[str, Any]:
    """Return the type of each key of a job, with keys like "shape.hidden_size"."""
    shape = {f"shape.{name}": kind for name, kind in get_type_hints(ModelShape).items()}
    return {name: kind for name, kind in get_type_hints(Job).items() if name not in ("shape", "method")} | shape


def value_of(text: str, kind: Any) -> Any:
    """Return a text's value as `kind`. Raises ValueError with what is allowed."""
    text = text.strip()
    if get_origin(kind) in (types.UnionType, Union):
        if text.lower() in NOTHING:
            return None
        (kind,) = (member for member in get_args(kind) if member is not type(None))
    if kind is bool:
        if text.lower() not in TRUTH:
            raise ValueError("must be true or false")
        return TRUTH[text.lower()]
    if kind is int:
        if not WHOLE.fullmatch(text) or len(text) > MOST_DIGITS:
            raise ValueError("must be a whole number, like 512")
        return int(text)
    if kind is float:
        if not DECIMAL.fullmatch(text) or len(text) > MOST_DIGITS:
            raise ValueError("must be a number, like 0.1 or 2e-4")
        return float(text)
    if get_origin(kind) is tuple:
        inside = text[1:-1] if text[:1] + text[-1:] in ("[]", "()") else text
        return [name.strip().strip("'\"") for name in inside.split(",") if name.strip()]
    if get_origin(kind) is Literal and text not in get_args(kind):
        raise ValueError(f"must be {' or '.join(map(str, get_args(kind)))}")
    return text
