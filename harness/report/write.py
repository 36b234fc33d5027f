"""Where a report and its figures go."""

from __future__ import annotations

from pathlib import Path

from harness.atomic import write_atomically
from harness.comparison import rows_of
from harness.record import RunFolder
from harness.report.figures.figures import can_draw, figures_of, file_of, svgs_of
from harness.report.markdown import render_report
from harness.results import read_cells


def write_report(folder: RunFolder, output: Path | None = None) -> Path:
    """Write the Markdown report of a run, and its figures in a folder of its name beside it.

    They go to `output`, else to reports/ beside the run's results/ folder, else here. Without the library that draws
    there are no figures.
    """
    place = output or _beside(folder)
    name = folder.path.resolve().name
    drawn = can_draw()
    if drawn:
        write_figures(folder, place / name)
    path = place / f"{name}.md"
    write_atomically(path, render_report(folder, drawn=drawn))
    return path


def write_figures(folder: RunFolder, place: Path) -> None:
    """Every figure of a run as SVG in both themes."""
    run, records = folder.read_run(), read_cells(folder)
    for figure in figures_of(folder, run, records, rows_of(records, run)):
        for theme, svg in svgs_of(figure).items():
            write_atomically(place / file_of(figure, theme), svg)


def _beside(folder: RunFolder) -> Path:
    parent = folder.path.resolve().parent
    return (parent.parent if parent.name == "results" else Path.cwd()) / "reports"
