"""Figures of what the training cost: time, memory by phase, energy."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from harness.analysis.cell_columns import median_of
from harness.analysis.row_grouping import processes
from harness.records.cell_record import CellRecord
from harness.report.figures.encodings import (
    GREY,
    LEGEND,
    ROWS,
    Values,
    colour,
    facet,
    lines_of,
    panel_width,
    spec_of,
    tooltip,
)
from harness.report.figures.theme import Spec

GIB = 2**30
SHADES = {"start and import": "#9ecae1", "load": "#6baed6", "first step": "#fd8d3c", "other steps": "#31a354"}
"""The parts of a cell's time with their colours."""
PHASES = {"load": "load_peak_bytes", "first step": "first_step_peak_bytes", "steady": "steady_peak_bytes"}


def wall_time(records: Sequence[CellRecord], sections: Sequence[str]) -> Spec | None:
    """Seconds from an interpreter's start to the end of the last step, as medians over processes."""
    values = [
        {"section": section, "framework": key.framework, "part": part, "seconds": seconds, "at": at}
        for section in sections
        for key, cells in processes(records, section).items()
        for at, (part, seconds) in enumerate(_parts(cells).items())
    ]
    if not values:
        return None
    names = [str(value["framework"]) for value in values]
    part = alt.Color("part:N", scale=alt.Scale(domain=list(SHADES), range=list(SHADES.values())), legend=LEGEND)
    bars = (
        alt.Chart(ROWS)
        .mark_bar(height=16)
        .encode(
            x=alt.X("seconds:Q", title="seconds", stack="zero"),
            y=lines_of(names),
            color=part,
            order="at:Q",
            tooltip=tooltip("framework", "part", seconds=".2f"),
        )
    )
    return _by_column(bars, "section", sections, values)


def memory_by_phase(records: Sequence[CellRecord], sections: Sequence[str]) -> Spec | None:
    """The peak of each phase, as medians over processes. A tick marks the least that the job can hold."""
    values = [
        {"section": section, "framework": key.framework, "phase": phase, "memory": peak / GIB, "floor": floor}
        for section in sections
        for key, cells in processes(records, section).items()
        for floor in [_in_gib(median_of(cells, "memory_floor_bytes"))]
        for phase, column in PHASES.items()
        if (peak := median_of(cells, column)) is not None
    ]
    if not values:
        return None
    names = [str(value["framework"]) for value in values]
    x, y = _memory_axis("memory"), lines_of(names)
    phases = alt.Scale(domain=list(PHASES), range=["triangle-right", "diamond", "circle"])
    base = alt.Chart(ROWS)
    layers = [
        base.mark_tick(thickness=2, color=GREY, height=20).encode(x=_memory_axis("floor"), y=y),
        base.mark_line(opacity=0.5).encode(x=x, y=y, detail="framework:N"),
        base.mark_point(size=80).encode(
            x=x,
            y=y,
            shape=alt.Shape("phase:N", scale=phases, legend=LEGEND),
            color=colour(names),
            tooltip=tooltip("framework", "phase", memory=".2f"),
        ),
    ]
    return _by_column(alt.LayerChart(layer=layers), "section", sections, values)


def energy(records: Sequence[CellRecord], sections: Sequence[str]) -> Spec | None:
    """Joules per 1,000 tokens if they were measured, as medians over processes."""
    values = [
        {"section": section, "framework": key.framework, "joules": joules}
        for section in sections
        for key, cells in processes(records, section).items()
        if (joules := median_of(cells, "energy_joules_per_1000_tokens")) is not None
    ]
    if not values:
        return None
    names = [str(value["framework"]) for value in values]
    bars = (
        alt.Chart(ROWS)
        .mark_bar(height=16)
        .encode(x=alt.X("joules:Q", title="J per 1,000 tokens"), y=lines_of(names), color=colour(names))
    )
    return _by_column(bars, "section", sections, values)


def parity_beside_tuned(records: Sequence[CellRecord], methods: Sequence[str]) -> Spec | None:
    """Tokens/s in both tracks: what each framework gains by its documented advice."""
    values = [
        {"method": method, "framework": key.framework, "track": track, "rate": rate}
        for method in methods
        for track, section in (("parity", method), ("tuned", f"{method}, tuned"))
        for key, cells in processes(records, section).items()
        if (rate := median_of(cells, "tokens_per_second")) is not None
    ]
    if {value["track"] for value in values} != {"parity", "tuned"}:
        return None
    names = [str(value["framework"]) for value in values]
    x = alt.X("rate:Q", title="tokens/s", scale=alt.Scale(zero=True))
    tracks = alt.Scale(domain=["parity", "tuned"], range=["circle", "triangle-right"])
    base = alt.Chart(ROWS)
    layers = [
        base.mark_line().encode(x=x, y=lines_of(names), detail="framework:N"),
        base.mark_point(size=90).encode(
            x=x,
            y=lines_of(names),
            color=colour(names),
            shape=alt.Shape("track:N", scale=tracks, legend=LEGEND),
            tooltip=tooltip("framework", "track", rate=",.1f"),
        ),
    ]
    return _by_column(alt.LayerChart(layer=layers), "method", methods, values)


def _memory_axis(field: str) -> alt.X:
    return alt.X(f"{field}:Q", title="GiB", scale=alt.Scale(zero=True))


def _by_column(chart: alt.Chart | alt.LayerChart, field: str, order: Sequence[str], values: Values) -> Spec | None:
    """Return a chart with a line per framework, side by side for the values of a field."""
    shown = [name for name in order if any(value[field] == name for value in values)]
    sized = chart.properties(width=panel_width(len(shown)), height=alt.Step(26))
    return spec_of(sized.facet(column=alt.Column(**facet(field, shown))), values)


def _parts(cells: Sequence[CellRecord]) -> dict[str, float]:
    """Return those parts of SHADES that were measured."""
    start, load = median_of(cells, "start_seconds"), median_of(cells, "load_seconds")
    first, steps = median_of(cells, "first_step_seconds"), median_of(cells, "training_seconds")
    other = None if first is None or steps is None else steps - first
    parts = zip(SHADES, (start, load, first, other), strict=True)
    return {part: seconds for part, seconds in parts if seconds is not None}


def _in_gib(value: float | None) -> float | None:
    return None if value is None else value / GIB
