"""Benchmark LLM fine-tuning frameworks on the very same job, each in its own environment and process."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.records.checked_run import load_results as load_results

__version__ = "0.1.0"

_PUBLIC = {"load_results": "harness.records.checked_run"}
"""The module of each public name, which is imported when the name is first used."""


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_PUBLIC]
