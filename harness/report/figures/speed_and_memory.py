"""Figures of speed and memory: one against the other, and ratios to the baseline with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from harness.analysis.compare_frameworks import Measured, Row
from harness.job.frameworks import BASELINE
from harness.report.content.comparison_words import MEMORY_WORDS, SPEED_WORDS, word_of
from harness.report.figures.encodings import GREY, ROWS, Values, colour, facet, lines_of, near, shape, spec_of, tooltip
from harness.report.figures.theme import Spec

GIB = 2**30
WIDTH, HEIGHT = 250, 210
"""Of one small figure, in pixels."""
LABEL_SIZE = 11
LABEL_SHIFTS = (-15, 20, -28, 34)
"""Pixels below its point at which a label may stand. The first that covers no other label is taken."""


def speed_against_memory(matrix: Sequence[Row], sections: Sequence[str]) -> Spec | None:
    """A point per row with its intervals. A line joins the rows that no other beats in both."""
    values = [
        value for section in sections for value in _points([row for row in matrix if row.section == section], section)
    ]
    if not values:
        return None
    names = [str(value["framework"]) for value in values]
    x, y = _rate_axis("rate"), _memory_axis("memory")
    base = alt.Chart(ROWS)
    layers = alt.layer(
        base.transform_filter("datum.unbeaten")
        .mark_line(strokeDash=[4, 3], color=GREY, interpolate="step-before")
        .encode(x=x, y=y, order="rate:Q"),
        base.mark_rule(strokeWidth=2).encode(x=_rate_axis("rate_low"), x2="rate_high", y=y, color=colour(names)),
        base.mark_rule(strokeWidth=2).encode(x=x, y=_memory_axis("memory_low"), y2="memory_high", color=colour(names)),
        base.mark_point(size=110).encode(
            x=x, y=y, color=colour(names), shape=shape(names), tooltip=tooltip("framework", "label", "n")
        ),
        base.mark_text(fontSize=LABEL_SIZE).encode(x=x, y=_memory_axis("label_at"), text="framework:N"),
    ).properties(width=WIDTH, height=HEIGHT)
    chart = layers.facet(facet=alt.Facet(**facet("section", sections)), columns=3)
    return spec_of(chart.resolve_scale(x="independent", y="independent"), values)


def ratios(matrix: Sequence[Row], sections: Sequence[str]) -> Spec | None:
    """Each framework's ratios to the baseline, of speed and of memory. A band shows differences that do not matter."""
    values = [
        value
        for row in matrix
        if row.section in sections
        for what, measured, words in (
            ("tokens/s: right is faster", row.tokens_per_second, SPEED_WORDS),
            ("peak memory: left is less", row.peak_memory_bytes, MEMORY_WORDS),
        )
        if measured is not None and measured.comparison is not None
        for value in [_ratio(row, what, measured, word_of(measured, words))]
    ]
    if not values:
        return None
    names = [str(value["framework"]) for value in values]
    columns = sorted({str(value["what"]) for value in values}, reverse=True)
    base = alt.Chart(ROWS)
    x = _ratio_axis("ratio")
    layers = alt.layer(
        base.mark_rect(color=GREY, opacity=0.15).encode(x=_ratio_axis("min(least)"), x2="max(most)"),
        base.mark_rule(color=GREY).encode(x=alt.datum(1)),
        base.mark_rule(strokeWidth=2).encode(x=_ratio_axis("low"), x2="high", y=lines_of(names), color=colour(names)),
        base.mark_point(size=90).encode(
            x=x,
            y=lines_of(names),
            color=colour(names),
            shape=shape(names),
            tooltip=tooltip("framework", "label", "n"),
        ),
        base.mark_text(dy=-11, fontSize=10).encode(x=x, y=lines_of(names), text="label:N"),
    ).properties(width=330, height=alt.Step(34))
    chart = layers.facet(row=alt.Row(**facet("section", sections)), column=alt.Column(**facet("what", columns)))
    return spec_of(chart.resolve_scale(x="independent"), values)


def _rate_axis(field: str) -> alt.X:
    return alt.X(f"{field}:Q", title="tokens/s", scale=near())


def _memory_axis(field: str) -> alt.Y:
    return alt.Y(f"{field}:Q", title="peak memory, GiB", scale=near())


def _ratio_axis(field: str) -> alt.X:
    scale = alt.Scale(zero=False, padding=20)
    return alt.X(f"{field}:Q", title=f"ratio to {BASELINE}", scale=scale, axis=alt.Axis(grid=False))


def _points(matrix: Sequence[Row], section: str) -> Values:
    points: list[dict[str, Any]] = []
    for row in matrix:
        speed, memory = row.tokens_per_second, row.peak_memory_bytes
        if row.same_job == "no" or speed is None or memory is None:
            continue
        rate, peak = speed.estimate, memory.estimate
        points.append(
            {
                "section": section,
                "framework": row.framework,
                "rate": rate.value,
                "rate_low": rate.low or rate.value,
                "rate_high": rate.high or rate.value,
                "memory": peak.value / GIB,
                "memory_low": (peak.low or peak.value) / GIB,
                "memory_high": (peak.high or peak.value) / GIB,
                "label": f"{rate.value:,.1f} tokens/s, {peak.value / GIB:.2f} GiB",
                "n": row.n,
            }
        )
    for point in points:
        point["unbeaten"] = not any(
            other["rate"] >= point["rate"] and other["memory"] <= point["memory"]
            for other in points
            if other is not point
        )
    if points:
        _place_labels(points)
    return points


def _place_labels(points: Sequence[dict[str, Any]]) -> None:
    """Set where each point's label stands: near it, and clear of those before. Sizes of letters are estimates."""
    across, down = (_pixels(points, name, size) for name, size in (("rate", WIDTH), ("memory", HEIGHT)))
    taken: list[tuple[float, float, float]] = []
    for point in points:
        x, y, width = point["rate"] * across, -point["memory"] * down, 0.6 * LABEL_SIZE * len(point["framework"])
        for shift in LABEL_SHIFTS:
            if all(abs(x - a) > (width + w) / 2 or abs(y + shift - b) > LABEL_SIZE for a, b, w in taken):
                break
        point["label_at"] = point["memory"] - shift / down if down else point["memory"]
        taken.append((x, y + shift, width))


def _pixels(points: Sequence[dict[str, Any]], name: str, size: int) -> float:
    """Return the pixels per unit of an axis that holds all intervals."""
    span = max(point[f"{name}_high"] for point in points) - min(point[f"{name}_low"] for point in points)
    return size / span if span else 0.0


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
        "label": f"{estimate.value:.2f}x, {word}",
        "n": estimate.n,
    }
