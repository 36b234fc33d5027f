"""Figures of speed and memory: one against the other, and ratios to the baseline with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.analysis.compare_frameworks import Measured, Row
from harness.job.frameworks import BASELINE
from harness.report.content.comparison_words import MEMORY_WORDS, SPEED_WORDS, word_of
from harness.report.figures.look import Spec, Values, colour, facet, quantity, rows, shape

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
    x, y = quantity("rate", "tokens/s"), quantity("memory", "peak memory, GiB")
    layers: list[Spec] = [
        {
            "transform": [{"filter": "datum.unbeaten"}],
            "mark": {"type": "line", "strokeDash": [4, 3], "color": "#8a8a8a", "interpolate": "step-before"},
            "encoding": {"x": x, "y": y, "order": {"field": "rate"}},
        },
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {"x": {**x, "field": "rate_low"}, "x2": {"field": "rate_high"}, "y": y, "color": colour(names)},
        },
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {
                "x": x,
                "y": {**y, "field": "memory_low"},
                "y2": {"field": "memory_high"},
                "color": colour(names),
            },
        },
        {
            "mark": {"type": "point", "size": 110},
            "encoding": {
                "x": x,
                "y": y,
                "color": colour(names),
                "shape": shape(names),
                "tooltip": _tooltip("framework", "label", "n"),
            },
        },
        {
            "mark": {"type": "text", "fontSize": LABEL_SIZE},
            "encoding": {"x": x, "y": {**y, "field": "label_at"}, "text": {"field": "framework"}},
        },
    ]
    return {
        "data": {"values": values},
        "facet": facet("section", sections),
        "columns": 3,
        "spec": {"width": WIDTH, "height": HEIGHT, "layer": layers},
        "resolve": {"scale": {"x": "independent", "y": "independent"}},
    }


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
    x = quantity("ratio", f"ratio to {BASELINE}", scale={"zero": False, "padding": 20}, axis={"grid": False})
    layers: list[Spec] = [
        {
            "mark": {"type": "rect", "color": "#8a8a8a", "opacity": 0.15},
            "encoding": {"x": {**x, "field": "least", "aggregate": "min"}, "x2": {"field": "most", "aggregate": "max"}},
        },
        {"mark": {"type": "rule", "color": "#8a8a8a"}, "encoding": {"x": {"datum": 1}}},
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": rows(names), "color": colour(names)},
        },
        {
            "mark": {"type": "point", "size": 90},
            "encoding": {
                "x": x,
                "y": rows(names),
                "color": colour(names),
                "shape": shape(names),
                "tooltip": _tooltip("framework", "label", "n"),
            },
        },
        {
            "mark": {"type": "text", "dy": -11, "fontSize": 10},
            "encoding": {"x": x, "y": rows(names), "text": {"field": "label"}},
        },
    ]
    columns = sorted({str(value["what"]) for value in values}, reverse=True)
    return {
        "data": {"values": values},
        "facet": {"row": facet("section", sections), "column": facet("what", columns)},
        "spec": {"width": 330, "height": {"step": 34}, "layer": layers},
        "resolve": {"scale": {"x": "independent"}},
    }


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


def _tooltip(*fields: str) -> list[Spec]:
    return [{"field": field, "title": field} for field in fields]
