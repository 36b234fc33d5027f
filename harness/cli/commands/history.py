"""`harness history`: one quantity over all recorded runs."""

from __future__ import annotations

import enum
import sys
from pathlib import Path
from typing import Annotated

import typer


class Metric(enum.StrEnum):
    """A quantity that can be followed over time."""

    TOKENS_PER_SECOND = "tokens_per_second"
    END_TO_END = "end_to_end_tokens_per_second"
    PEAK_MEMORY = "peak_memory_bytes"
    STEP = "median_step_seconds"


def history(
    metric: Annotated[Metric, typer.Option("--metric", help="What is followed over time.")] = Metric.TOKENS_PER_SECOND,
    results: Annotated[Path, typer.Option("--results", metavar="DIR", help="The folder that holds the runs.")] = Path(
        "results"
    ),
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="FILE.svg", help="Draw it too; needs the extra `figures`.")
    ] = None,
) -> None:
    """Follow a quantity over all recorded runs, per framework version and machine; another job is another line.

    Example: python -m harness history --metric peak_memory_bytes --figure memory.svg
    """
    from harness.analysis.history import history as points_of
    from harness.cli.screens.blocks import print_blocks
    from harness.cli.screens.console import open_console
    from harness.errors import RunFolderError
    from harness.files.atomic import write_atomically
    from harness.records.run_folder import runs_in
    from harness.report.content.history import HEADINGS, history_rows
    from harness.report.figures.drawing import Drawing, require_drawing
    from harness.report.parts.blocks import Table

    points, left_out = points_of(runs_in(results), metric.value)
    for why in left_out:
        sys.stderr.write(f"left out: {why}\n")
    if not points:
        raise RunFolderError(f"{results}: holds no run with figures; record one with: python -m harness run")
    if figure is not None:
        require_drawing("--figure")
        from harness.report.figures.history import history_figure

        drawn = history_figure(points, metric.value)
        if drawn is None:
            raise RunFolderError(f"{results}: holds no figure that can be drawn")
        with Drawing() as drawing:
            write_atomically(figure, drawing.svgs(drawn)["light"])
    print_blocks(open_console(), [Table(headings=HEADINGS, rows=history_rows(points, metric.value))])
