"""A report as one HTML page that needs no network: figures to hover and zoom, tables to sort and filter.

Everything that a framework, a model or an error may have said is text here: the template escapes it, the figures get it
as data, and the page's policy runs the two scripts that are in it and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from harness.frameworks import TRAINERS
from harness.report.blocks import Block, Bullets, Code, Folded, Paragraph, Picture, Report, Section, Subheading, Table
from harness.report.figures.figures import THEMES
from harness.report.figures.look import config_of

TEMPLATES = "page"
"""The folder beside this file."""


def render_html(report: Report) -> str:
    """The page; the same report gives the same bytes."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report", TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    script = environment.get_template("page.js").render()
    libraries = _libraries()
    page: str = environment.get_template("page.html").render(
        report=report,
        sections=[_plain(index, section) for index, section in enumerate(report.sections)],
        frameworks=TRAINERS,
        style=_inside(environment.get_template("page.css").render()),
        libraries=_inside(libraries),
        script=_inside(script),
        figures=_inside(_figures(report)),
        policy=_policy(libraries, script),
    )
    return page + "\n"


def _plain(index: int, section: Section) -> dict[str, Any]:
    return {"id": f"part-{index + 1}", "title": section.title, "blocks": [_block(one) for one in section.blocks]}


def _block(block: Block) -> dict[str, Any]:
    """What the template shows of a block: its kind and its values."""
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
            return {"kind": "folded", "title": block.title, "blocks": [_block(one) for one in block.blocks]}


def _row(row: Iterable[str]) -> dict[str, Any]:
    """A row and whose it is, for the filter: a framework's name at the beginning of one of its first two cells."""
    cells = list(row)
    words = [word.strip(":,") for cell in cells[:2] for word in cell.split()[:1]]
    return {"cells": cells, "framework": next((word for word in words if word in TRAINERS), "")}


def _figures(report: Report) -> str:
    """The specifications of all figures and how they look in each theme, as JSON that cannot end its script element."""
    content = {
        "specs": {figure.name: figure.spec for figure in report.figures},
        "themes": {theme: config_of(theme) for theme in THEMES},
    }
    return json.dumps(content, allow_nan=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _inside(text: str) -> Any:
    """Text of this project's own, to be put into the page as it is."""
    import markupsafe

    return markupsafe.Markup(text)


@cache
def _libraries() -> str:
    """Vega, Vega-Lite and their embedding, as one script."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script")


def _policy(*scripts: str) -> str:
    """No request of any kind, no script but these; Vega compiles its expressions."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in scripts)
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {hashes} 'unsafe-eval'"
