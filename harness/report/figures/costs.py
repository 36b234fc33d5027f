"""Figures of what the training cost: time, memory by phase, energy."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.compare_frameworks import median_of, processes
from harness.records.cell_record import CellRecord
from harness.report.figures.look import Spec, colour, facet, quantity, rows

GIB = 2**30
TIMES = ("start and import", "load", "first step", "other steps")
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
    shades = {"domain": list(TIMES), "range": ["#9ecae1", "#6baed6", "#fd8d3c", "#31a354"]}
    bars = {
        "width": 250,
        "height": {"step": 26},
        "mark": {"type": "bar", "height": 16},
        "encoding": {
            "x": {"field": "seconds", "type": "quantitative", "title": "seconds", "stack": "zero"},
            "y": rows(names),
            "color": {
                "field": "part",
                "type": "nominal",
                "scale": shades,
                "legend": {"title": None, "orient": "bottom"},
            },
            "order": {"field": "at"},
            "tooltip": [{"field": "framework"}, {"field": "part"}, {"field": "seconds", "format": ".2f"}],
        },
    }
    return {"data": {"values": values}, "facet": {"column": facet("section", sections)}, "spec": bars}


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
    x, y = quantity("memory", "GiB", scale={"zero": True}), rows(names)
    layers: list[Spec] = [
        {
            "mark": {"type": "line", "opacity": 0.5},
            "encoding": {"x": x, "y": y, "detail": {"field": "framework"}},
        },
        {
            "mark": {"type": "point", "size": 80},
            "encoding": {
                "x": x,
                "y": y,
                "shape": {
                    "field": "phase",
                    "type": "nominal",
                    "scale": {"domain": list(PHASES), "range": ["triangle-right", "diamond", "circle"]},
                    "legend": {"title": None, "orient": "bottom"},
                },
                "color": colour(names),
                "tooltip": [{"field": "framework"}, {"field": "phase"}, {"field": "memory", "format": ".2f"}],
            },
        },
        {
            "mark": {"type": "tick", "thickness": 2, "color": "#d1242f"},
            "encoding": {"x": {**x, "field": "floor"}, "y": y},
        },
    ]
    spec: Spec = {"width": 250, "height": {"step": 26}, "layer": layers}
    return {"data": {"values": values}, "facet": {"column": facet("section", sections)}, "spec": spec}


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
    bars = {
        "width": 250,
        "height": {"step": 26},
        "mark": {"type": "bar", "height": 16},
        "encoding": {
            "x": {"field": "joules", "type": "quantitative", "title": "J per 1,000 tokens"},
            "y": rows(names),
            "color": colour(names),
        },
    }
    return {"data": {"values": values}, "facet": {"column": facet("section", sections)}, "spec": bars}


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
    x = quantity("rate", "tokens/s", scale={"zero": True})
    layers: list[Spec] = [
        {"mark": "line", "encoding": {"x": x, "y": rows(names), "detail": {"field": "framework"}}},
        {
            "mark": {"type": "point", "size": 90},
            "encoding": {
                "x": x,
                "y": rows(names),
                "color": colour(names),
                "shape": {
                    "field": "track",
                    "type": "nominal",
                    "scale": {"domain": ["parity", "tuned"], "range": ["circle", "triangle-right"]},
                    "legend": {"title": None, "orient": "bottom"},
                },
                "tooltip": [{"field": "framework"}, {"field": "track"}, {"field": "rate", "format": ",.1f"}],
            },
        },
    ]
    spec: Spec = {"width": 250, "height": {"step": 26}, "layer": layers}
    return {"data": {"values": values}, "facet": {"column": facet("method", methods)}, "spec": spec}


def _parts(cells: Sequence[CellRecord]) -> dict[str, float]:
    """Return those parts of TIMES that were measured."""
    start, load = median_of(cells, "start_seconds"), median_of(cells, "load_seconds")
    first, steps = median_of(cells, "first_step_seconds"), median_of(cells, "training_seconds")
    other = None if first is None or steps is None else steps - first
    parts = zip(TIMES, (start, load, first, other), strict=True)
    return {part: seconds for part, seconds in parts if seconds is not None}


def _in_gib(value: float | None) -> float | None:
    return None if value is None else value / GIB
