"""What all figures share: encodings of frameworks, axes, facets, and how a chart becomes a figure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

from harness.report.figures.colours import COLOURS, SHAPES, in_order
from harness.report.figures.theme import Spec
from harness.text.printable import printable

Values = Sequence[Mapping[str, Any]]
"""A row of data per mark."""
Chart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.VConcatChart | alt.HConcatChart
ROWS = alt.NamedData("rows")
"""Stands for the data until the chart is a figure: altair would check each value of it."""

GREY = "#8a8a8a"
LEGEND = alt.Legend(title=None, orient="bottom")
LARGEST_DRAWN = 1e15
WIDTH = 1080
"""Pixels of a whole figure: the page's width."""
AXIS_WIDTH = 40
"""Pixels of what stands beside a panel: a share of the frameworks' names, and space."""
OWN_AXIS_WIDTH = 75
"""Likewise, where each panel has ticks of its own."""


def framework_scale(names: Iterable[str], looks: Mapping[str, str]) -> alt.Scale:
    """Return the scale of frameworks over COLOURS or SHAPES."""
    order = in_order(names)
    return alt.Scale(domain=order, range=[looks[name] for name in order])


def colour(names: Iterable[str], legend: alt.Legend | None = None) -> alt.Color:
    """Return the encoding of a framework by its colour; with a legend only on request."""
    return alt.Color("framework", type="nominal", scale=framework_scale(names, COLOURS), legend=legend)


def shape(names: Iterable[str], legend: alt.Legend | None = None) -> alt.Shape:
    """Return the encoding of a framework by its shape, so that nobody needs colours."""
    return alt.Shape("framework", type="nominal", scale=framework_scale(names, SHAPES), legend=legend)


def lines_of(names: Iterable[str]) -> alt.Y:
    """Return the encoding of a framework by its line in a table-like figure."""
    return alt.Y("framework", type="nominal", sort=in_order(names), title=None)


def panel_width(panels: int, beside: int = AXIS_WIDTH) -> int:
    """Return the width of each of some panels side by side, at most three. `beside`: pixels between two of them."""
    return WIDTH // max(1, min(3, panels)) - beside


def near() -> alt.Scale:
    """Return a scale that need not begin at 0."""
    return alt.Scale(zero=False, nice=True)


def facet(field: str, order: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of one small figure per value of a field, in this order."""
    header = alt.Header(labelFontSize=13)
    return {"field": field, "type": "nominal", "sort": list(order), "title": None, "header": header}


def tooltip(*fields: str, **formats: str) -> list[alt.Tooltip]:
    """Return what is shown of a mark that is pointed at: fields as they are, then numbers with their format."""
    return [
        *(alt.Tooltip(f"{field}:N", title=field) for field in fields),
        *(alt.Tooltip(f"{field}:Q", title=field, format=form) for field, form in formats.items()),
    ]


def spec_of(chart: Chart, values: Values) -> Spec | None:
    """Return a chart over its data, as Vega-Lite; None if no row can be drawn.

    Left out are rows with values that no axis can hold, and characters that no font has: the drawing library ends its
    process on numbers near the largest double and on some control characters.
    """
    drawable = [row for row in values if all(map(_is_drawable, row.values()))]
    spec = {key: value for key, value in chart.to_dict().items() if key not in ("$schema", "config")}
    return _printable({**spec, "data": {"values": drawable}}) if drawable else None


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
