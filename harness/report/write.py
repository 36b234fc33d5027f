"""Where a report goes."""

from __future__ import annotations

from pathlib import Path

from harness.atomic import write_atomically
from harness.record import RunFolder
from harness.report.markdown import render_report


def write_report(folder: RunFolder) -> Path:
    """Write the Markdown report of a run: to reports/ beside its results/ folder, else here."""
    parent = folder.path.resolve().parent
    base = parent.parent if parent.name == "results" else Path.cwd()
    path = base / "reports" / f"{folder.path.resolve().name}.md"
    write_atomically(path, render_report(folder))
    return path
