"""What all figures share: each framework's colour and shape, and the light and the dark theme."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from harness.job.frameworks import TRAINERS
from harness.text.printable import printable

Spec = dict[str, Any]
Values = Sequence[Mapping[str, Any]]
Theme = Literal["light", "dark"]

COLOURS = {
    "transformers": "#8a8a8a",
    "unsloth": "#3288d1",
    "axolotl": "#e0632d",
    "torchtune": "#14a37f",
    "llamafactory": "#c26fb1",
    "ceiling": "#e3a008",
    "reference": "#6b6bd6",
}
"""Distinguishable in the common colour blindnesses (after Okabe and Ito), with contrast on white and on black."""
SHAPES = {
    "transformers": "circle",
    "unsloth": "square",
    "axolotl": "triangle-up",
    "torchtune": "diamond",
    "llamafactory": "triangle-down",
    "ceiling": "cross",
    "reference": "stroke",
}
INKS: Mapping[Theme, str] = {"light": "#24292f", "dark": "#d0d7de"}
GRIDS: Mapping[Theme, str] = {"light": "#d8dee4", "dark": "#30363d"}
LARGEST_DRAWN = 1e15
FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"


def in_order(names: Iterable[str]) -> list[str]:
    """Return frameworks in the order of every table, then the reference."""
    known = [*TRAINERS, "reference"]
    return sorted(set(names), key=known.index)


def colour(names: Iterable[str], legend: Mapping[str, Any] | None = None) -> Spec:
    """Return the encoding of a framework by its colour; with a legend only on request."""
    order = in_order(names)
    scale = {"domain": order, "range": [COLOURS[name] for name in order]}
    return {"field": "framework", "type": "nominal", "scale": scale, "legend": legend}


def shape(names: Iterable[str], legend: Mapping[str, Any] | None = None) -> Spec:
    """Return the encoding of a framework by its shape, so that nobody needs colours."""
    order = in_order(names)
    scale = {"domain": order, "range": [SHAPES[name] for name in order]}
    return {"field": "framework", "type": "nominal", "scale": scale, "legend": legend}


def rows(names: Iterable[str]) -> Spec:
    """Return the encoding of a framework by its line in a table-like figure."""
    return {"field": "framework", "type": "nominal", "sort": in_order(names), "title": None}


def quantity(field: str, title: str, **more: Any) -> Spec:
    """Return the encoding of a number by its position. The axis need not begin at 0."""
    return {"field": field, "type": "quantitative", "title": title, "scale": {"zero": False, "nice": True}, **more}


def facet(field: str, order: Sequence[str], title: str | None = None) -> Spec:
    """Return one small figure per value of a field, in this order."""
    return {"field": field, "type": "nominal", "sort": list(order), "title": title, "header": {"labelFontSize": 13}}


def drawable(spec: Spec | None) -> Spec | None:
    """Return a figure without values that no axis can hold and characters that no font has; None if none is left.

    The drawing library ends its process on numbers near the largest double and on some control characters.
    """
    if spec is None:
        return None
    values = [row for row in spec["data"]["values"] if all(map(_is_drawable, row.values()))]
    return _printable({**spec, "data": {"values": values}}) if values else None


def _printable(value: Any) -> Any:
    match value:
        case str():
            return printable(value)
        case list():
            return [_printable(item) for item in value]
        case dict():
            return {key: _printable(item) for key, item in value.items()}
    return value


def _is_drawable(value: object) -> bool:
    return not isinstance(value, int | float) or (math.isfinite(value) and abs(value) < LARGEST_DRAWN)


def in_theme(svg: str, theme: Theme) -> str:
    """Return a drawn figure of the light theme in another theme: only inks differ."""
    return svg.replace(INKS["light"], INKS[theme]).replace(GRIDS["light"], GRIDS[theme])


def themed(spec: Spec, theme: Theme) -> Spec:
    """Return a specification with the colours of a theme."""
    return {**spec, "config": config_of(theme)}


def config_of(theme: Theme) -> Spec:
    """Return the look of every figure in a theme. The background stays the page's."""
    ink, grid = INKS[theme], GRIDS[theme]
    text = {"labelColor": ink, "titleColor": ink, "labelFont": FONT, "titleFont": FONT, "titleFontWeight": "normal"}
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": grid},
        "axis": {**text, "gridColor": grid, "domainColor": grid, "tickColor": grid, "gridWidth": 0.5},
        "legend": {**text, "symbolStrokeWidth": 2},
        "header": {**text, "labelFontWeight": "bold"},
        "title": {"color": ink, "subtitleColor": ink, "font": FONT, "subtitleFont": FONT, "anchor": "start"},
        "text": {"color": ink, "font": FONT},
        "rule": {"color": ink},
        "point": {"filled": True, "opacity": 1},
    }
