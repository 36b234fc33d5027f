"""Figures over the steps: losses beside the reference's, and step times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from harness.analysis.row_grouping import processes
from harness.job.experiment import section_of
from harness.job.frameworks import BASELINE, TRAINERS
from harness.records.checked_run import CheckedRun
from harness.report.figures.colours import COLOURS
from harness.report.figures.encodings import (
    LEGEND,
    ROWS,
    colour,
    facet,
    framework_scale,
    lines_of,
    near,
    spec_of,
    tooltip,
)
from harness.report.figures.theme import Spec

SMALLEST_SHOWN = 1e-9
"""A smaller relative difference is drawn at this value: a logarithmic axis has no 0."""

MOST_MARKS = 4000
"""Most marks of a readable figure. Beyond it some processes are left out."""
APART = 0.1
"""Horizontal distance between two frameworks' marks, as a share of a step."""

APART_AXIS = alt.Axis(format=".0e", tickCount=4)


def losses(run: CheckedRun, sections: Sequence[str]) -> Spec | None:
    """The first process of each framework, and the reference; below, the relative distance to the reference."""
    values = _losses(run, sections)
    if not values:
        return None
    names = [str(value["framework"]) for value in values]
    step = alt.X("step:Q", title="optimizer step", axis=alt.Axis(tickMinStep=1))
    apart = alt.Y("apart:Q", title="off the reference", scale=alt.Scale(type="log"), axis=APART_AXIS)
    lines = alt.Chart(ROWS).mark_line(point=alt.OverlayMarkDef(size=20), opacity=0.8)
    lines = lines.encode(x=step, color=colour(names, LEGEND))
    by_section = alt.Column(**facet("section", sections))
    upper = lines.encode(y=alt.Y("loss:Q", title="loss", scale=near())).properties(width=250, height=150)
    lower = lines.transform_filter("isValid(datum.apart)").encode(y=apart).properties(width=250, height=90)
    chart = alt.vconcat(
        upper.facet(column=by_section).resolve_scale(y="independent"), lower.facet(column=by_section), data=ROWS
    )
    return spec_of(chart, values)


def step_times(run: CheckedRun, sections: Sequence[str]) -> Spec | None:
    """Every step of every process (of very many, some); below, the spread of the steady steps.

    Hollow marks are warm-up, which no figure counts.
    """
    values = _steps(run, sections)
    if not values:
        return None
    names = [str(value["framework"]) for value in values]
    scale = framework_scale(names, COLOURS)
    by_section = alt.Column(**facet("section", sections))
    over_steps = (
        alt.Chart(ROWS)
        .mark_point(size=26, filled=True, strokeWidth=1)
        .encode(
            x=alt.X("at:Q", title="optimizer step", scale=near(), axis=alt.Axis(tickMinStep=1, grid=False)),
            y=alt.Y("seconds:Q", title="seconds a step", scale=near()),
            fill=alt.Fill("framework:N", scale=scale, legend=LEGEND),
            stroke=alt.Stroke("framework:N", scale=scale, legend=LEGEND),
            fillOpacity=alt.condition("datum.counted == 'steady'", alt.value(0.9), alt.value(0)),
            tooltip=tooltip("cell", "step", "seconds", "counted"),
        )
        .properties(width=250, height=150)
    )
    spread = (
        alt.Chart(ROWS)
        .transform_filter("datum.counted == 'steady'")
        .mark_boxplot(extent="min-max", size=12)
        .encode(
            x=alt.X("seconds:Q", title="seconds a steady step", scale=near()),
            y=lines_of(names),
            color=colour(names, LEGEND),
        )
        .properties(width=250, height=alt.Step(24))
    )
    chart = alt.vconcat(
        over_steps.facet(column=by_section).resolve_scale(x="independent", y="independent"),
        spread.facet(column=by_section).resolve_scale(x="independent"),
        data=ROWS,
    )
    return spec_of(chart, values)


def _losses(run: CheckedRun, sections: Sequence[str]) -> list[dict[str, Any]]:
    """Return a value per framework and step, with the distance of its loss from the reference's."""
    asked = {
        (verdict.framework, section_of(verdict), step): loss
        for verdict in run.verdicts
        for step, loss in enumerate(verdict.reference_losses, start=1)
    }
    values: list[dict[str, Any]] = [
        {"section": section, "framework": "reference", "step": step, "loss": loss}
        for (framework, section, step), loss in asked.items()
        if section in sections and framework == BASELINE
    ]
    for section in sections:
        for key, cells in processes(run.cells, section).items():
            for step, recorded in enumerate(run.folder.read_steps(cells[0].cell), start=1):
                if (loss := _finite(recorded.get("loss"))) is None:
                    continue
                value: dict[str, Any] = {"section": section, "framework": key.framework, "step": step, "loss": loss}
                if (due := asked.get((key.framework, section, step))) is not None:
                    value["apart"] = max(abs(loss - due) / abs(due), SMALLEST_SHOWN)
                values.append(value)
    return values


def _steps(run: CheckedRun, sections: Sequence[str]) -> list[dict[str, Any]]:
    """Return a value per step of each drawn process."""
    marks = sum(cell.steps or 0 for cell in run.cells if cell.outcome == "ok") or 1
    return [
        {
            "section": section,
            "framework": key.framework,
            "cell": cell.cell,
            "step": step,
            "at": step + APART * (TRAINERS.index(key.framework) - len(TRAINERS) / 2),
            "seconds": seconds,
            "counted": "warm-up" if recorded.get("warmup") else "steady",
        }
        for section in sections
        for key, cells in processes(run.cells, section).items()
        for cell in cells[:: math.ceil(marks / MOST_MARKS)]
        for step, recorded in enumerate(run.folder.read_steps(cell.cell), start=1)
        if (seconds := _finite(recorded.get("seconds"))) is not None
    ]


def _finite(value: object) -> float | None:
    """Return a number that can be drawn, or None."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
