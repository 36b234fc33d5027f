"""What the HTML page can be narrowed by: frameworks, methods, tracks and machines."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.row_grouping import SECTIONS
from harness.job.frameworks import TRAINERS
from harness.report.parts.blocks import Group, Report, Table


def choices_of(report: Report) -> dict[str, list[str]]:
    """Return what the page can be filtered by, if there are several values of it."""
    blocks = [block for section in report.sections for block in section.blocks]
    groups = [block for block in blocks if isinstance(block, Group)]
    jobs = [about_section(group.section) for group in groups if group.section]
    tables = [block for group in groups for block in group.blocks if isinstance(block, Table)]
    frameworks = {about_row(row)["framework"] for table in tables for row in table.rows}
    found = {
        "framework": [name for name in TRAINERS if name in frameworks],
        "method": list(dict.fromkeys(job["method"] for job in jobs)),
        "track": list(dict.fromkeys(job["track"] for job in jobs)),
        "machine": list(dict.fromkeys(group.machine for group in groups if group.machine)),
    }
    return {name: values for name, values in found.items() if len(values) > 1}


def about_section(section: str) -> dict[str, str]:
    """Return method and track of a section's name; empty texts for no section."""
    method, _, track = section.partition(", ")
    return {"method": method, "track": track or ("parity" if section else "")}


def about_row(row: Sequence[str]) -> dict[str, str]:
    """Return what a row is about.

    A framework counts if its name begins one of the first three cells; a job, if its name is a whole cell.
    """
    words = [word.strip(":,") for cell in row[:3] for word in cell.split()[:1]]
    framework = next((word for word in words if word in TRAINERS), "")
    section = next((cell for cell in row[:3] if cell in SECTIONS), "")
    return {"framework": framework, **about_section(section)}
