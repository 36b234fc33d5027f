"""A figure with its caption, and the names of its SVG files."""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.figures.theme import Spec, Theme


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One figure."""

    name: str
    """Name of its files."""
    title: str
    caption: str
    spec: Spec
    """Vega-Lite, without a theme."""


def file_of(figure: Figure, theme: Theme) -> str:
    """Return the name of a figure's SVG in a run's folder of figures."""
    return f"{figure.name}-{theme}.svg"
