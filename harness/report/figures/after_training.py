"""What became of the results after training: file size against speed, and against the loss that quantization adds."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any, TypeVar

import altair as alt

from harness.records.deployments import DeploymentRecord, Deployments, GgufRecord
from harness.report.figures.encodings import (
    LEGEND,
    OWN_AXIS_WIDTH,
    ROWS,
    colour,
    facet,
    panel_width,
    shape,
    spec_of,
    tooltip,
)
from harness.report.figures.theme import Spec
from harness.studies.deploy.learned import has_learned

SPEED, COST = "tokens/s here: up is faster", "loss added, nats: down is better"
HEIGHT = 240
Axis = TypeVar("Axis", alt.X, alt.Y)


def after_training(found: Deployments) -> Spec | None:
    """A point per file: size against tokens per second, and beside it size against added loss."""
    values = [value for record in found.results for file in record.files for value in _points(record, file)]
    if not values:
        return None
    names = [str(value["framework"]) for value in values]
    panels = [panel for panel in (SPEED, COST) if any(value["panel"] == panel for value in values)]
    x, y = _axis(alt.X, "megabytes", "file, MB"), _axis(alt.Y, "figure", None)
    base = alt.Chart(ROWS)
    layers = alt.layer(
        base.mark_point(size=90).encode(
            x=x,
            y=y,
            color=colour(names, LEGEND),
            shape=shape(names, LEGEND),
            tooltip=tooltip("framework", "method", "format", figure=",.4f"),
        ),
        base.mark_text(dy=-14, fontSize=11).encode(
            x=_axis(alt.X, "mean(megabytes)", "file, MB"), y=_axis(alt.Y, "max(figure)", None), text="format:N"
        ),
    ).properties(width=panel_width(len(panels), OWN_AXIS_WIDTH), height=HEIGHT)
    chart = layers.facet(column=alt.Column(**facet("panel", panels)))
    return spec_of(chart.resolve_scale(y="independent"), values)


def _axis(kind: type[Axis], field: str, title: str | None) -> Axis:
    """Return an axis with room for labels above its points."""
    return kind(f"{field}:Q", title=title, scale=alt.Scale(zero=False, padding=30), axis=alt.Axis(tickCount=6))


def _points(record: DeploymentRecord, file: GgufRecord) -> Iterator[dict[str, Any]]:
    common = {
        "framework": record.framework,
        "method": record.method,
        "format": file.quantization,
        "megabytes": file.bytes / 1e6,
    }
    if file.runs:
        rates = [run.generation_tokens_per_second[record.threads] for run in file.runs]
        yield {**common, "panel": SPEED, "figure": statistics.median(rates)}
    if record.export is not None and has_learned(record):
        yield {**common, "panel": COST, "figure": file.loss - record.export.loss}
