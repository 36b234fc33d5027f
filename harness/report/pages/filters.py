"""What the HTML page can be narrowed by: frameworks, methods, tracks and machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.analysis.row_grouping import SECTIONS
from harness.job.frameworks import TRAINERS
from harness.report.content.cells import Cell, text_of
from harness.report.parts.blocks import Block, Folded, Group, Report, Table


def choices_of(report: Report) -> dict[str, list[str]]:
    """Return what the page can be filtered by, if there are several values of it."""
    blocks = [block for section in report.sections for block in _all(section.blocks)]
    groups = [block for block in blocks if isinstance(block, Group)]
    tables = [block for block in blocks if isinstance(block, Table)]
    sections = [name for table in tables for name in table.groups.values()]
    jobs = [about_section(name) for name in (*sections, *(group.section for group in groups)) if name]
    frameworks = {about_row(row)["framework"] for table in tables for row in table.rows}
    found = {
        "framework": [name for name in TRAINERS if name in frameworks],
        "method": list(dict.fromkeys(job["method"] for job in jobs)),
        "track": list(dict.fromkeys(job["track"] for job in jobs)),
        "machine": list(dict.fromkeys(group.machine for group in groups if group.machine)),
    }
    return {name: values for name, values in found.items() if len(values) > 1}


def _all(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Group | Folded):
            yield from _all(block.blocks)


def about_section(section: str) -> dict[str, str]:
    """Return method and track of a section's name; empty texts for no section."""
    method, _, track = section.partition(", ")
    return {"method": method, "track": track or ("parity" if section else "")}


def about_row(row: Sequence[str | Cell], section: str = "") -> dict[str, str]:
    """Return what a row is about. `section`: that of its group.

    A framework counts if its name begins one of the first three cells; a job, if its name is a whole cell.
    """
    texts = [text_of(cell) for cell in row[:3]]
    words = [word.strip(":,") for text in texts for word in text.split()[:1]]
    framework = next((word for word in words if word in TRAINERS), "")
    section = section or next((text for text in texts if text in SECTIONS), "")
    return {"framework": framework, **about_section(section)}
