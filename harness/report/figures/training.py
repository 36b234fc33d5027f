"""Figures over the steps: losses beside the reference's, and step times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from harness.analysis.compare_frameworks import processes
from harness.job.experiment import section_of
from harness.job.frameworks import BASELINE, TRAINERS
from harness.records.checked_run import CheckedRun
from harness.report.figures.look import Spec, colour, facet, quantity, rows

SMALLEST_SHOWN = 1e-9
"""A smaller relative difference is drawn at this value: a logarithmic axis has no 0."""

MOST_MARKS = 4000
"""Most marks of a readable figure. Beyond it some processes are left out."""
APART = 0.1
"""Horizontal distance between two frameworks' marks, as a share of a step."""


def losses(run: CheckedRun, sections: Sequence[str]) -> Spec | None:
    """The first process of each framework, and the reference; below, the relative distance to the reference."""
    values = _losses(run, sections)
    if not values:
        return None
    names = [str(value["framework"]) for value in values]
    step_axis = {"field": "step", "type": "quantitative", "title": "optimizer step", "axis": {"tickMinStep": 1}}
    legend = {"title": None, "orient": "bottom"}
    upper = {
        "width": 250,
        "height": 150,
        "mark": {"type": "line", "point": {"size": 20}, "opacity": 0.8},
        "encoding": {"x": step_axis, "y": quantity("loss", "loss"), "color": colour(names, legend)},
    }
    apart = quantity("apart", "off the reference", scale={"type": "log"}, axis={"format": ".0e", "tickCount": 4})
    lower = {
        "width": 250,
        "height": 90,
        "transform": [{"filter": "isValid(datum.apart)"}],
        "mark": {"type": "line", "point": {"size": 20}, "opacity": 0.8},
        "encoding": {"x": step_axis, "y": apart, "color": colour(names, legend)},
    }
    return {
        "data": {"values": values},
        "vconcat": [
            {
                "facet": {"column": facet("section", sections)},
                "spec": upper,
                "resolve": {"scale": {"y": "independent"}},
            },
            {"facet": {"column": facet("section", sections)}, "spec": lower},
        ],
    }


def step_times(run: CheckedRun, sections: Sequence[str]) -> Spec | None:
    """Every step of every process (of very many, some); below, the spread of the steady steps.

    Hollow marks are warm-up, which no figure counts.
    """
    values = _steps(run, sections)
    if not values:
        return None
    names = [str(value["framework"]) for value in values]
    y = quantity("seconds", "seconds a step")
    filled = {"condition": {"test": "datum.counted == 'steady'", "value": 0.9}, "value": 0}
    legend = {"title": None, "orient": "bottom"}
    over_steps = {
        "width": 250,
        "height": 150,
        "mark": {"type": "point", "size": 26, "filled": True, "strokeWidth": 1},
        "encoding": {
            "x": quantity("at", "optimizer step", axis={"tickMinStep": 1, "grid": False}),
            "y": y,
            "fill": colour(names, legend),
            "stroke": colour(names, legend),
            "fillOpacity": filled,
            "tooltip": [{"field": name} for name in ("cell", "step", "seconds", "counted")],
        },
    }
    spread = {
        "width": 250,
        "height": {"step": 24},
        "transform": [{"filter": "datum.counted == 'steady'"}],
        "mark": {"type": "boxplot", "extent": "min-max", "size": 12},
        "encoding": {"x": {**y, "title": "seconds a steady step"}, "y": rows(names), "color": colour(names, legend)},
    }
    own_scale = {"scale": {"x": "independent", "y": "independent"}}
    return {
        "data": {"values": values},
        "vconcat": [
            {"facet": {"column": facet("section", sections)}, "spec": over_steps, "resolve": own_scale},
            {
                "facet": {"column": facet("section", sections)},
                "spec": spread,
                "resolve": {"scale": {"x": "independent"}},
            },
        ],
    }


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
