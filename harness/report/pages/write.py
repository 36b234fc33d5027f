"""Write reports and their figures to their places."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from harness.errors import RunFolderError
from harness.files.atomic import write_atomically
from harness.records.checked_run import CheckedRun
from harness.records.run_folder import RunFolder
from harness.report.figures.drawing import Drawing, can_draw, require_drawing
from harness.report.figures.figure import file_of
from harness.report.pages.markdown import render_markdown
from harness.report.parts.blocks import Report
from harness.report.parts.report import report_of_checked
from harness.text.language import ENGLISH, Language

ORIGINAL = "original-regenerated"
"""Name of the old report, written anew."""


def write_report(
    runs: Sequence[CheckedRun],
    output: Path | None = None,
    *,
    markdown: bool = True,
    html: bool = False,
    language: Language = ENGLISH,
) -> list[Path]:
    """Write the report of a run, or of several together. Return the paths. Raises RecipeError.

    It goes to `output`, else to reports/ beside the run's results/ folder, or beside a run outside results/. Markdown
    has its figures in a folder of its name beside it; without the drawing library it has none. `language`: that of the
    answer and the stars; the name says one other than English.
    """
    if html:
        require_drawing("--html")
    place = output or _beside(runs[0].folder)
    name = "-and-".join(run.folder.name for run in runs)
    written = []
    if markdown:
        with Drawing() if can_draw() else contextlib.nullcontext() as drawing:
            report = report_of_checked(runs, drawn=drawing is not None, language=language)
            if drawing is not None:
                _write_figures(report, place / name, drawing)
        written.append(place / f"{name}{_ending(language)}.md")
        write_atomically(written[-1], render_markdown(report, name))
    if html:
        from harness.report.pages.html import render_html

        written.append(place / f"{name}{_ending(language)}.html")
        write_atomically(written[-1], render_html(report_of_checked(runs, drawn=True, cells=True, language=language)))
    return written


def write_original(runs: Sequence[CheckedRun], output: Path | None = None, language: Language = ENGLISH) -> Path:
    """Write the old report anew, over runs of several kinds of machine. Return its path, in the same folder."""
    from harness.report.original.document import original_report

    path = (output or _beside(runs[0].folder)) / f"{ORIGINAL}{_ending(language)}.md"
    write_atomically(path, render_markdown(original_report(runs, language), ""))
    return path


def _ending(language: Language) -> str:
    return "" if language is ENGLISH else f".{language.code}"


def check_place(folder: RunFolder) -> None:
    """Refuse a run whose report could not be written, before anything trains. Raises RunFolderError."""
    place = _beside(folder)
    if place.exists() and not place.is_dir():
        raise RunFolderError(f"{place}: is a file, and reports go into a folder of that name; move it, or the run")
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    if not os.access(there, os.W_OK):
        raise RunFolderError(f"{there}: cannot be written, and the report goes into {place}; choose another --output")
    for path, is_right in ((place / f"{folder.name}.md", Path.is_file), (place / folder.name, Path.is_dir)):
        if path.exists() and not is_right(path):
            raise RunFolderError(f"{path}: the report's file or folder of figures would take its place; move it")


def _write_figures(report: Report, place: Path, drawing: Drawing) -> None:
    """Write every figure as SVG in both themes."""
    for figure in report.figures:
        for theme, svg in drawing.svgs(figure).items():
            write_atomically(place / file_of(figure, theme), svg)


def _beside(folder: RunFolder) -> Path:
    parent = folder.absolute_path.parent
    return (parent.parent if parent.name == "results" else parent) / "reports"
