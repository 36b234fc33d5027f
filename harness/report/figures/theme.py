"""The light and the dark theme of every figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Spec = dict[str, Any]
"""A Vega-Lite specification."""
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")

INKS: Mapping[Theme, str] = {"light": "#24292f", "dark": "#d0d7de"}
GRIDS: Mapping[Theme, str] = {"light": "#d8dee4", "dark": "#30363d"}
FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"


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
