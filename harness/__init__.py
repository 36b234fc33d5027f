"""Benchmark LLM fine-tuning frameworks on the very same job, each in its own environment and process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__version__ = "0.1.0"


def load_results(path: str | Path) -> pd.DataFrame:
    """One row per recorded cell of a results folder (docs/results.md names the columns), as a pandas DataFrame."""
    from harness.records.results import load_frame

    return load_frame(path)
