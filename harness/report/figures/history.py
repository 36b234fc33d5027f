"""The figure of a quantity over time."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from harness.analysis.history import Point
from harness.report.figures.encodings import LEGEND, ROWS, colour, facet, near, shape, spec_of
from harness.report.figures.figure import Figure


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
    x = alt.X("run:O", title=None, axis=alt.Axis(labelAngle=-30))
    title = metric.replace("_", " ")
    y = alt.Y("value:Q", title=title, scale=near())
    base = alt.Chart(ROWS).encode(x=x, color=colour(names, LEGEND))
    layers = alt.layer(
        base.mark_line().encode(y=y),
        base.mark_rule().encode(y=alt.Y("low:Q", title=title, scale=near()), y2="high"),
        base.mark_point(size=70).encode(y=y, shape=shape(names, LEGEND)),
    ).properties(width=380, height=200)
    order = sorted({str(value["of"]) for value in values})
    chart = layers.facet(facet=alt.Facet(**facet("of", order)), columns=2)
    spec = spec_of(chart.resolve_scale(x="independent", y="independent"), values)
    return None if spec is None else Figure(name="history", title=metric, caption="", spec=spec)
