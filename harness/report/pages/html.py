"""A report as one HTML page that needs no network: figures to hover and zoom, tables to sort and filter.

Everything that a framework, a model or an error may have printed is text here: the template escapes it, the figures get
it as data, and the page's policy runs its two scripts and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Iterator
from functools import cache
from typing import Any, assert_never

from harness.report.content.cells import Cell
from harness.report.content.titles import section_title
from harness.report.figures.theme import THEMES, config_of
from harness.report.pages.filters import about_row, about_section, choices_of
from harness.report.parts.blocks import (
    Block,
    Bullets,
    Code,
    Folded,
    Group,
    Paragraph,
    Picture,
    Report,
    Section,
    Subheading,
    Table,
    anchor_of,
)
from harness.text.printable import printable

TEMPLATES = "template"
"""The folder beside this file."""
FRONT = 2
"""Parts before the filters: those that a reader sees first."""


def render_html(report: Report) -> str:
    """Return the page. The same report gives the same bytes."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report.pages", TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    script = environment.get_template("page.js").render()
    libraries = _libraries()
    page: str = environment.get_template("page.html").render(
        report=report,
        anchor_of=anchor_of,
        front=FRONT,
        sections=[_plain(index, section) for index, section in enumerate(report.sections)],
        anchors=_anchors(report),
        choices=choices_of(report),
        style=_inside(environment.get_template("page.css").render()),
        libraries=_inside(libraries),
        script=_inside(script),
        figures=_inside(_figures(report)),
        policy=_policy(libraries, script),
    )
    return page + "\n"


def _plain(index: int, section: Section) -> dict[str, Any]:
    return {
        "id": section.anchor or f"part-{index + 1}",
        "title": section.title,
        "machine": section.machine,
        "folded": section.folded,
        "blocks": [_block(block) for block in section.blocks],
    }


def _anchors(report: Report) -> dict[str, str]:
    """Return the ids of the folds that other blocks link to, by the text of the link."""
    folds = (block for section in report.sections for block in section.blocks if isinstance(block, Folded))
    return {fold.anchor: f"fold-{number}" for number, fold in enumerate(folds, start=1) if fold.anchor}


def _block(block: Block) -> dict[str, Any]:
    """Return what the template shows of a block: its kind and its values."""
    match block:
        case Paragraph():
            return {"kind": "paragraph", "text": block.text, "see": block.see}
        case Bullets():
            return {"kind": "bullets", "items": block.items}
        case Table():
            return {
                "kind": "table",
                "headings": block.headings,
                "is_compact": block.is_compact,
                "groups": [*_groups(block)],
            }
        case Code():
            return {"kind": "code", "text": block.text}
        case Subheading():
            return {"kind": "subheading", "text": block.text}
        case Picture():
            return {"kind": "picture", "figure": block.figure}
        case Folded():
            inner = [_block(child) for child in block.blocks]
            return {"kind": "folded", "title": block.title, "anchor": block.anchor, "blocks": inner}
        case Group():
            inner = [_block(child) for child in block.blocks]
            about = {**about_section(block.section), "machine": block.machine}
            return {"kind": "group", "title": block.title, "about": about, "blocks": inner}
        case _:
            assert_never(block)


def _groups(table: Table) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table by group; one group without a title if it has none."""
    starts = sorted({0, *table.groups})
    for start, end in itertools.pairwise((*starts, len(table.rows))):
        section = table.groups.get(start, "")
        rows = [
            {
                "cells": [cell if isinstance(cell, Cell) else Cell(text=cell) for cell in table.rows[index]],
                "about": about_row(table.rows[index], section),
                "id": table.anchors[index] if table.anchors else "",
            }
            for index in range(start, end)
        ]
        yield {"title": section_title(section) if section else "", "about": about_section(section), "rows": rows}


def _figures(report: Report) -> str:
    """Return all figures' specifications and the themes, as JSON that cannot end its script element."""
    content = {
        "specs": {figure.name: figure.spec for figure in report.figures},
        "themes": {theme: config_of(theme) for theme in THEMES},
    }
    return json.dumps(content, allow_nan=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _inside(text: str) -> Any:
    """Return this project's text, to be put into the page unescaped."""
    import markupsafe

    return markupsafe.Markup(text)


@cache
def _libraries() -> str:
    """Return Vega, Vega-Lite and vega-embed as one script."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script")


def _policy(*scripts: str) -> str:
    """Return the page's policy: no request of any kind, and no script but these. Vega compiles its expressions."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {hashes} 'unsafe-eval'"
