"""A report as one HTML page that needs no network: figures to hover and zoom, tables to sort and filter.

Everything that a framework, a model or an error may have printed is text here: the template escapes it, the figures get
it as data, and the page's policy runs its two scripts and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from typing import Any, assert_never

from harness.analysis.compare_frameworks import SECTIONS
from harness.job.frameworks import TRAINERS
from harness.report.figures.theme import THEMES, config_of
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
)
from harness.text.printable import printable

TEMPLATES = "template"
"""The folder beside this file."""


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
        sections=[_plain(index, section) for index, section in enumerate(report.sections)],
        anchors=_anchors(report),
        choices=_choices(report),
        style=_inside(environment.get_template("page.css").render()),
        libraries=_inside(libraries),
        script=_inside(script),
        figures=_inside(_figures(report)),
        policy=_policy(libraries, script),
    )
    return page + "\n"


def _plain(index: int, section: Section) -> dict[str, Any]:
    blocks = [_block(block) for block in section.blocks]
    return {"id": f"part-{index + 1}", "title": section.title, "machine": section.machine, "blocks": blocks}


def _choices(report: Report) -> dict[str, list[str]]:
    """Return what the page can be filtered by, if there are several values of it."""
    blocks = [block for section in report.sections for block in section.blocks]
    groups = [block for block in blocks if isinstance(block, Group)]
    jobs = [_job(group.section) for group in groups if group.section]
    tables = [block for group in groups for block in group.blocks if isinstance(block, Table)]
    frameworks = {_row(row)["about"]["framework"] for table in tables for row in table.rows}
    found = {
        "framework": [name for name in TRAINERS if name in frameworks],
        "method": list(dict.fromkeys(method for method, _ in jobs)),
        "track": list(dict.fromkeys(track for _, track in jobs)),
        "machine": list(dict.fromkeys(group.machine for group in groups if group.machine)),
    }
    return {name: values for name, values in found.items() if len(values) > 1}


def _job(section: str) -> tuple[str, str]:
    """Return method and track of a section's name."""
    method, _, track = section.partition(", ")
    return method, track or "parity"


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
            return {"kind": "table", "headings": block.headings, "rows": [_row(row) for row in block.rows]}
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
            method, track = _job(block.section) if block.section else ("", "")
            inner = [_block(child) for child in block.blocks]
            about = {"method": method, "track": track, "machine": block.machine}
            return {"kind": "group", "title": block.title, "about": about, "blocks": inner}
        case _:
            assert_never(block)


def _row(row: Iterable[str]) -> dict[str, Any]:
    """Return a row and what it is about, for the filters.

    A framework counts if its name begins one of the first three cells; a job, if its name is a whole cell.
    """
    cells = list(row)
    words = [word.strip(":,") for cell in cells[:3] for word in cell.split()[:1]]
    framework = next((word for word in words if word in TRAINERS), "")
    section = next((cell for cell in cells[:3] if cell in SECTIONS), "")
    method, track = _job(section) if section else ("", "")
    return {"cells": cells, "about": {"framework": framework, "method": method, "track": track}}


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
