"""Figures of the comparison: speed against memory, and each framework's ratios to the baseline with their verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from harness.analysis.compare_frameworks import Measured, Row
from harness.job.frameworks import BASELINE
from harness.report.content.comparison_words import MEMORY_WORDS, SPEED_WORDS, word_of
from harness.report.content.titles import framework_title
from harness.report.figures.encodings import (
    GREY,
    ROWS,
    Values,
    colour,
    facet,
    lines_of,
    panel_width,
    shape,
    spec_of,
    tooltip,
)
from harness.report.figures.labels import Box, place_labels
from harness.report.figures.theme import Spec

HEIGHT = 175
"""Of a panel, in pixels."""
LABEL_SIZE = 12
SPEED, MEMORY = "speed: right is faster", "peak memory: left is less"
VERDICT_WIDTH = 190
"""Pixels of the column with ratio and verdict."""
LINE = 26
"""Pixels per framework."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """The values that an axis shows, and its pixels."""

    low: float
    high: float
    pixels: float

    def pixel(self, value: float) -> float:
        """Return where a value stands, from the low end."""
        return (value - self.low) / (self.high - self.low) * self.pixels

    def value(self, pixel: float) -> float:
        """Return what stands at a pixel."""
        return self.low + pixel / self.pixels * (self.high - self.low)


def speed_against_memory(matrix: Sequence[Row], sections: Sequence[str]) -> Spec | None:
    """A point per row: its speed and its peak memory as ratios to the baseline, with their intervals."""
    points = [point for row in matrix if row.section in sections for point in _point(row)]
    shown = [section for section in sections if any(point["section"] == section for point in points)]
    if len(points) < 2:
        return None
    width = panel_width(len(shown))
    across, down = _span(points, "speed", width), _span(points, "memory", HEIGHT)
    for point in points:
        point |= {**_cut(point, "speed", across), **_cut(point, "memory", down)}
    for section in shown:
        _label([point for point in points if point["section"] == section], across, down)
    names = [str(point["framework"]) for point in points]

    x_scale, y_scale = (alt.Scale(domain=[span.low, span.high], nice=False, zero=False) for span in (across, down))

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", title=f"speed, times {BASELINE}", scale=x_scale, axis=_axis(width))

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=["peak memory,", f"times {BASELINE}"], scale=y_scale, axis=_axis(HEIGHT))

    base = alt.Chart(ROWS)
    layers = alt.layer(
        base.mark_rule(color=GREY, strokeDash=[2, 3]).encode(x=alt.XDatum(1, scale=x_scale)),
        base.mark_rule(color=GREY, strokeDash=[2, 3]).encode(y=alt.YDatum(1, scale=y_scale)),
        base.mark_rule(strokeWidth=2).encode(x=x("speed_low"), x2="speed_high", y=y("memory"), color=colour(names)),
        base.mark_rule(strokeWidth=2).encode(x=x("speed"), y=y("memory_low"), y2="memory_high", color=colour(names)),
        base.mark_point(size=110).encode(
            x=x("speed"),
            y=y("memory"),
            color=colour(names),
            shape=shape(names),
            tooltip=tooltip("framework", "label", "n"),
        ),
        base.mark_text(fontSize=LABEL_SIZE, fontWeight="bold").encode(
            x=x("label_x"), y=y("label_y"), text="name:N", color=colour(names)
        ),
    ).properties(width=width, height=HEIGHT)
    return spec_of(layers.facet(facet=alt.Facet(**facet("section", shown)), columns=3), points)


def ratios(matrix: Sequence[Row], sections: Sequence[str]) -> Spec | None:
    """Each framework's ratios to the baseline, with intervals and verdicts. A band shows what does not matter."""
    values = [
        value
        for row in matrix
        if row.section in sections
        for what, measured, words in (
            (SPEED, row.tokens_per_second, SPEED_WORDS),
            (MEMORY, row.peak_memory_bytes, MEMORY_WORDS),
        )
        if measured is not None and measured.comparison is not None
        for value in [_ratio(row, what, measured, word_of(measured, words))]
    ]
    if not values:
        return None
    columns = [what for what in (SPEED, MEMORY) if any(value["what"] == what for value in values)]
    shown = [section for section in sections if any(value["section"] == section for value in values)]
    charts = [_forest([value for value in values if value["what"] == what], what, shown) for what in columns]
    return spec_of(alt.hconcat(*charts, data=ROWS, spacing=20), values)


def _forest(values: Values, what: str, sections: Sequence[str]) -> alt.FacetChart:
    """Return one quantity's ratios, a panel per section on one scale, with the verdicts in a column beside them."""
    names = [str(value["framework"]) for value in values]
    width = panel_width(2) - VERDICT_WIDTH

    scale = alt.Scale(zero=False, padding=12)

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", title=f"times {BASELINE}", scale=scale, axis=alt.Axis(grid=False, tickCount=5))

    y = lines_of(names)
    base = alt.Chart(ROWS).transform_filter(alt.datum.what == what)
    layers = alt.layer(
        base.mark_rect(color=GREY, opacity=0.15).encode(x=x("min(least)"), x2="max(most)"),
        base.mark_rule(color=GREY).encode(x=alt.XDatum(1, scale=scale)),
        base.mark_rule(strokeWidth=2).encode(x=x("low"), x2="high", y=y, color=colour(names)),
        base.mark_point(size=80).encode(
            x=x("ratio"),
            y=y,
            color=colour(names),
            shape=shape(names),
            tooltip=tooltip("framework", "label", "n"),
        ),
        base.mark_text(align="left", fontSize=11).encode(x=alt.value(width + 8), y=y, text="label:N"),
    ).properties(width=width, height=alt.Step(LINE))
    header = alt.Row(**facet("section", sections))
    return layers.facet(row=header).properties(title=alt.Title(what, fontSize=13))


def _axis(pixels: float) -> alt.Axis:
    """Return an axis whose ticks have room for their figures."""
    return alt.Axis(tickCount=max(3, int(pixels / 60)), format=".2~f", labelOverlap=True)


def _point(row: Row) -> Iterator[dict[str, Any]]:
    """Yield a row's point; the baseline stands where both ratios are 1. Nothing without ratios."""
    speed, memory = row.tokens_per_second, row.peak_memory_bytes
    if row.same_job == "no" or speed is None or memory is None:
        return
    if row.framework == BASELINE:
        yield {
            **_coordinates("speed", 1, 1, 1),
            **_coordinates("memory", 1, 1, 1),
            **_about(row, "what the others are compared with"),
        }
    elif speed.comparison is not None and memory.comparison is not None:
        label = f"{word_of(speed, SPEED_WORDS)}; {word_of(memory, MEMORY_WORDS)}"
        yield {**_interval("speed", speed), **_interval("memory", memory), **_about(row, label)}


def _about(row: Row, label: str) -> dict[str, Any]:
    name = framework_title(row.framework)
    return {"section": row.section, "framework": row.framework, "name": name, "label": label, "n": row.n}


def _interval(name: str, measured: Measured) -> dict[str, float]:
    assert measured.comparison is not None
    ratio = measured.comparison.ratio
    return _coordinates(name, ratio.value, ratio.low or ratio.value, ratio.high or ratio.value)


def _coordinates(name: str, value: float, low: float, high: float) -> dict[str, float]:
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _span(points: Sequence[Mapping[str, Any]], name: str, pixels: float) -> Span:
    """Return the values of all intervals, with room around them. An interval far wider than all points lie is cut."""
    values = [point[name] for point in points]
    reach = max(values) - min(values) or 0.1
    low = max(min(point[f"{name}_low"] for point in points), min(values) - reach)
    high = min(max(point[f"{name}_high"] for point in points), max(values) + reach)
    room = 0.12 * (high - low) or 0.1
    return Span(low=low - room, high=high + room, pixels=pixels)


def _cut(point: Mapping[str, Any], name: str, span: Span) -> dict[str, float]:
    """Return the ends of an interval, cut at the frame."""
    low, high = f"{name}_low", f"{name}_high"
    return {low: max(point[low], span.low), high: min(point[high], span.high)}


def _label(points: Sequence[dict[str, Any]], across: Span, down: Span) -> None:
    """Set where each point's label stands."""

    at = [(across.pixel(point["speed"]), down.pixels - down.pixel(point["memory"])) for point in points]
    bars = []
    for point, (x, y) in zip(points, at, strict=True):
        left, right = (across.pixel(point[name]) for name in ("speed_low", "speed_high"))
        top, bottom = (down.pixels - down.pixel(point[name]) for name in ("memory_high", "memory_low"))
        bars.append(Box(left=left - 1, right=right + 1, top=y - 1, bottom=y + 1))
        bars.append(Box(left=x - 1, right=x + 1, top=top - 1, bottom=bottom + 1))
    one_x, one_y = across.pixel(1), down.pixels - down.pixel(1)
    lines = [
        Box(left=one_x - 1, right=one_x + 1, top=0, bottom=down.pixels),
        Box(left=0, right=across.pixels, top=one_y - 1, bottom=one_y + 1),
    ]
    named = [(x, y, str(point["name"])) for point, (x, y) in zip(points, at, strict=True)]
    places = place_labels(named, [*bars, *lines], width=across.pixels, height=down.pixels, size=LABEL_SIZE)
    for point, (x, y) in zip(points, places, strict=True):
        point["label_x"], point["label_y"] = across.value(x), down.value(down.pixels - y)


def _ratio(row: Row, what: str, measured: Measured, word: str) -> dict[str, Any]:
    assert measured.comparison is not None
    estimate, effect = measured.comparison.ratio, measured.comparison.smallest_effect
    return {
        "section": row.section,
        "framework": row.framework,
        "what": what,
        "ratio": estimate.value,
        "low": estimate.low or estimate.value,
        "high": estimate.high or estimate.value,
        "least": 1 / (1 + effect),
        "most": 1 + effect,
        "label": f"{estimate.value:.2f}, {word}",
        "n": estimate.n,
    }
