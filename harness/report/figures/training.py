"""Figures over the steps: losses beside the reference's, and step times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from harness.analysis.row_grouping import processes
from harness.job.experiment import section_of
from harness.job.frameworks import BASELINE
from harness.records.checked_run import CheckedRun
from harness.report.figures.encodings import (
    LEGEND,
    OWN_AXIS_WIDTH,
    ROWS,
    colour,
    facet,
    lines_of,
    near,
    panel_width,
    spec_of,
)
from harness.report.figures.theme import Spec

SMALLEST_SHOWN = 1e-9
"""A smaller relative difference is drawn at this value: a logarithmic axis has no 0."""

VISIBLE = 1e-3
"""A larger relative difference can be seen where losses are drawn; a smaller one would look like the reference."""
APART_AXIS = alt.Axis(format=".0e", tickCount=4)


def losses(run: CheckedRun, sections: Sequence[str]) -> Spec | None:
    """The reference's loss, with the frameworks that visibly differ; below, how far each framework is from it."""
    values = _losses(run, sections)
    if not values:
        return None
    names = [str(value["framework"]) for value in values]
    shown = [section for section in sections if any(value["section"] == section for value in values)]
    width = panel_width(len(shown), OWN_AXIS_WIDTH)
    step = alt.X("step:Q", title="optimizer step", axis=alt.Axis(tickMinStep=1, tickCount=8))
    apart = alt.Y("apart:Q", title="off the reference", scale=alt.Scale(type="log"), axis=APART_AXIS)
    lines = alt.Chart(ROWS).mark_line(point=alt.OverlayMarkDef(size=25), opacity=0.8)
    lines = lines.encode(x=step, color=colour(names, LEGEND))
    by_section = alt.Column(**facet("section", shown))
    loss = alt.Y("loss:Q", title="loss", scale=near(), axis=alt.Axis(tickCount=4))
    upper = lines.transform_filter("datum.drawn").encode(y=loss).properties(width=width, height=110)
    lower = lines.transform_filter("isValid(datum.apart)").encode(y=apart).properties(width=width, height=130)
    chart = alt.vconcat(
        upper.facet(column=by_section).resolve_scale(y="independent"),
        # Axes of its own keep each panel below its upper one.
        lower.facet(column=by_section).resolve_axis(y="independent"),
        data=ROWS,
    )
    return spec_of(chart, values)


def step_times(run: CheckedRun, sections: Sequence[str]) -> Spec | None:
    """The spread of the steady steps over all processes: quartiles in a box, the extremes at its whiskers."""
    values = _steps(run, sections)
    if not values:
        return None
    names = [str(value["framework"]) for value in values]
    shown = [section for section in sections if any(value["section"] == section for value in values)]
    boxes = (
        alt.Chart(ROWS)
        .mark_boxplot(extent="min-max", size=14)
        .encode(
            x=alt.X("seconds:Q", title="seconds a step", scale=near(), axis=alt.Axis(tickCount=5)),
            y=lines_of(names),
            color=colour(names),
        )
        .properties(width=panel_width(len(shown)), height=alt.Step(26))
    )
    chart = boxes.facet(column=alt.Column(**facet("section", shown))).resolve_scale(x="independent")
    return spec_of(chart, values)


def _losses(run: CheckedRun, sections: Sequence[str]) -> list[dict[str, Any]]:
    """Return a value per framework and step, with the distance of its loss from the reference's."""
    asked = {
        (verdict.framework, section_of(verdict), step): loss
        for verdict in run.verdicts
        for step, loss in enumerate(verdict.reference_losses, start=1)
    }
    values: list[dict[str, Any]] = [
        {"section": section, "framework": "reference", "step": step, "loss": loss, "drawn": True}
        for (framework, section, step), loss in asked.items()
        if section in sections and framework == BASELINE
    ]
    for section in sections:
        for key, cells in processes(run.cells, section).items():
            of_framework: list[dict[str, Any]] = []
            for step, recorded in enumerate(run.folder.read_steps(cells[0].cell), start=1):
                if (loss := _finite(recorded.get("loss"))) is None:
                    continue
                value: dict[str, Any] = {"section": section, "framework": key.framework, "step": step, "loss": loss}
                if (due := asked.get((key.framework, section, step))) is not None:
                    value["apart"] = max(abs(loss - due) / abs(due), SMALLEST_SHOWN)
                of_framework.append(value)
            drawn = any(value.get("apart", math.inf) > VISIBLE for value in of_framework)
            values += [{**value, "drawn": drawn} for value in of_framework]
    return values


def _steps(run: CheckedRun, sections: Sequence[str]) -> list[dict[str, Any]]:
    """Return a value per steady step of each process."""
    return [
        {"section": section, "framework": key.framework, "seconds": seconds}
        for section in sections
        for key, cells in processes(run.cells, section).items()
        for cell in cells
        for recorded in run.folder.read_steps(cell.cell)
        if not recorded.get("warmup") and (seconds := _finite(recorded.get("seconds"))) is not None
    ]


def _finite(value: object) -> float | None:
    """Return a number that can be drawn, or None."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
