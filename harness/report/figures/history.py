"""The figure of a quantity over time."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.history import Point
from harness.report.figures.figures import Figure
from harness.report.figures.look import Spec, colour, drawable, facet, quantity, shape


def history_figure(points: Sequence[Point], metric: str) -> Figure | None:
    """Return a line per framework over the runs, in a small figure per machine, section and job. None without data."""
    values = [
        {
            "of": f"{point.section}, job {point.job}, {point.machine}",
            "framework": point.framework,
            "run": f"{point.created[:10]} {point.run}",
            "value": point.estimate.value,
            "low": point.estimate.low or point.estimate.value,
            "high": point.estimate.high or point.estimate.value,
        }
        for point in points
    ]
    names = [point.framework for point in points]
    x = {"field": "run", "type": "ordinal", "title": None, "axis": {"labelAngle": -30}}
    y = quantity("value", metric.replace("_", " "))
    legend = {"title": None, "orient": "bottom"}
    layers = [
        {"mark": "line", "encoding": {"x": x, "y": y, "color": colour(names, legend)}},
        {
            "mark": {"type": "rule"},
            "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour(names, legend)},
        },
        {
            "mark": {"type": "point", "size": 70},
            "encoding": {"x": x, "y": y, "color": colour(names, legend), "shape": shape(names, legend)},
        },
    ]
    spec: Spec = {
        "data": {"values": values},
        "facet": facet("of", sorted({str(value["of"]) for value in values})),
        "columns": 2,
        "spec": {"width": 380, "height": 200, "layer": layers},
        "resolve": {"scale": {"x": "independent", "y": "independent"}},
    }
    shown = drawable(spec)
    return None if shown is None else Figure(name="history", title=metric, caption="", spec=shown)
