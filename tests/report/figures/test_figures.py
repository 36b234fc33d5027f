"""Every figure is drawn from what was recorded, the same each time, and says nothing to anybody outside."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.analysis.compare_frameworks import rows_of
from harness.errors import ReportError
from harness.files.locations import SOURCE_ROOT
from harness.records.checked_run import read_checked
from harness.records.run_folder import RunFolder
from harness.report.figures.colours import COLOURS, SHAPES, in_order
from harness.report.figures.drawing import Drawing
from harness.report.figures.figure import Figure
from harness.report.figures.figures import figures_of
from harness.report.figures.theme import themed
from tests.conftest import REFERENCES

REFERENCE = RunFolder(SOURCE_ROOT / "results" / "reference-cpu")


OF_ANY_MACHINE = ["speed-memory", "ratios", "losses", "steps", "memory", "time"]


def figures_in(folder: RunFolder) -> list[Figure]:
    checked = read_checked(folder)
    return figures_of(checked, rows_of(checked.cells, checked.record))


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    return figures_in(REFERENCE)


def test_a_run_has_a_figure_of_all_that_its_machine_can_tell(figures: list[Figure]) -> None:
    assert [figure.name for figure in figures] == [*OF_ANY_MACHINE, "after-training"]
    on_a_gpu = figures_in(RunFolder(SOURCE_ROOT / "results" / "reference-h200-lora"))
    assert [figure.name for figure in on_a_gpu] == [*OF_ANY_MACHINE, "energy"]


def test_the_baseline_stands_where_both_ratios_are_one(figures: list[Figure]) -> None:
    points = figures[0].spec["data"]["values"]
    assert {(point["speed"], point["memory"]) for point in points if point["framework"] == "transformers"} == {(1, 1)}
    assert len(points) == 15


def test_losses_that_nobody_could_tell_apart_are_drawn_once(figures: list[Figure]) -> None:
    losses = next(figure for figure in figures if figure.name == "losses")
    drawn = {value["framework"] for value in losses.spec["data"]["values"] if value["drawn"]}
    assert drawn == {"reference"}


@pytest.fixture(scope="module")
def drawing() -> Iterator[Drawing]:
    with Drawing() as opened:
        yield opened


def test_figures_are_svg_that_asks_for_nothing_and_is_the_same_each_time(
    figures: list[Figure], drawing: Drawing
) -> None:
    for figure in figures:
        first, again = drawing.svgs(figure), drawing.svgs(figure)
        assert first == again
        for svg in first.values():
            root = ET.fromstring(svg)
            assert root.tag.endswith("svg")
            links = [value for node in root.iter() for name, value in node.items() if name.endswith("href")]
            assert not links
        assert first["light"] != first["dark"]


@pytest.mark.parametrize("run", REFERENCES)
def test_committed_figures_are_what_the_results_give(run: str, drawing: Drawing) -> None:
    place, figures = SOURCE_ROOT / "reports" / run, figures_in(RunFolder(SOURCE_ROOT / "results" / run))
    drawn = {f"{figure.name}-{theme}.svg": svg for figure in figures for theme, svg in drawing.svgs(figure).items()}
    assert {path.name: path.read_text(encoding="utf-8") for path in place.glob("*.svg")} == drawn


def test_a_figure_that_ends_the_process_that_draws_is_named(figures: list[Figure]) -> None:
    broken = dataclasses.replace(figures[0], spec={**figures[0].spec, "data": {"values": [{"rate": {}}]}, "facet": 3})
    with Drawing() as drawing, pytest.raises(ReportError, match="Speed against memory: could not be drawn"):
        drawing.svgs(broken)


def test_everyone_has_a_colour_and_a_shape_of_their_own() -> None:
    assert len(set(COLOURS.values())) == len(COLOURS)
    assert len(set(SHAPES.values())) == len(SHAPES)
    assert in_order(["reference", "unsloth", "transformers"]) == ["transformers", "unsloth", "reference"]


def test_a_theme_changes_no_data(figures: list[Figure]) -> None:
    for figure in figures:
        assert {**themed(figure.spec, "dark"), "config": None} == {**themed(figure.spec, "light"), "config": None}


def test_a_run_without_figures_has_no_pictures(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "empty")
    empty = {"name": "empty", "contents": {"cells": {}, "audits": {}}}
    folder.write_run(REFERENCE.read_run().model_copy(update=empty))
    assert figures_of(read_checked(folder), []) == []
