"""`harness export`: one record per cell, for other tools."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.runs import checked, run_named
from harness.cli.shared_options import RunArgument


class FormatOption(enum.StrEnum):
    """The formats that `export` writes."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    PYTEST_BENCHMARK = "pytest-benchmark"


def export(
    run_name: RunArgument = None,
    format_: Annotated[FormatOption, typer.Option("--format", help="One flat record a cell.")] = FormatOption.JSON,
    output: Annotated[Path | None, typer.Option("--output", help="A file; by default standard output.")] = None,
) -> None:
    """Print one flat record per cell, for any other tool; or what `pytest-benchmark compare` reads.

    Example: python -m harness export --format csv my-run > cells.csv
    """
    from harness.errors import RecipeError
    from harness.records.checked_run import arrow_table_of, frame_of
    from harness.report.content.pytest_benchmark import benchmarks_text

    run = checked(run_named(run_name))
    if format_ is FormatOption.PYTEST_BENCHMARK:
        text = benchmarks_text(run)
    elif format_ is FormatOption.PARQUET:
        if output is None:
            raise RecipeError("command line", "--output", "is needed for parquet, which is not text")
        import pyarrow.parquet as pq

        table = arrow_table_of(run)
        with output.open("wb") as file:
            pq.write_table(table, file)
        return
    elif format_ is FormatOption.CSV:
        text = frame_of(run).to_csv(index=False)
    else:
        text = frame_of(run).to_json(orient="records", indent=2, double_precision=15) + "\n"
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
