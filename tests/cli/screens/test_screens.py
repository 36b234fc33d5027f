"""Screens in consoles of several widths, with and without colour and Unicode."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.cli.screens.claims import print_claims
from harness.cli.screens.results import print_results
from harness.cli.screens.tables import text_table
from harness.files.locations import SOURCE_ROOT
from harness.records.checked_run import CheckedRun, read_checked
from harness.records.run_folder import RunFolder
from harness.studies.claims.verify import judgements


@pytest.fixture(scope="module")
def reference() -> CheckedRun:
    return read_checked(RunFolder(SOURCE_ROOT / "results" / "reference-cpu"))


def screen(width: int, encoding: str = "utf-8") -> tuple[Console, io.TextIOWrapper]:
    """A console that believes to be a terminal, and what it writes to."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    return Console(file=file, width=width, force_terminal=True, color_system=None), file


def lines(file: io.TextIOWrapper) -> list[str]:
    file.seek(0)
    return file.read().splitlines()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_results_fit_the_width_and_begin_with_the_answer(reference: CheckedRun, width: int) -> None:
    console, file = screen(width)
    print_results(console, reference)
    shown = lines(file)
    assert max(map(len, shown)) <= width
    assert next(filter(None, shown)).startswith("Speed: ")
    # Each framework has one line in each of the three tables, with its name in one piece.
    for name in ("transformers", "unsloth", "axolotl", "torchtune", "llamafactory"):
        assert sum(line.startswith(f" {name} ") and "GiB" in line for line in shown) == 3


def test_a_wide_screen_has_intervals_and_the_course_of_the_steps(reference: CheckedRun) -> None:
    console, file = screen(160)
    print_results(console, reference)
    line = next(line for line in lines(file) if line.strip().startswith("unsloth 2026"))
    assert "1.10x (1.03 to 1.19)" in line
    assert set("▁█") <= set(line)


def test_a_terminal_without_unicode_gets_no_pictures(reference: CheckedRun) -> None:
    console, file = screen(80, "ascii")
    print_results(console, reference)
    assert any("unsloth" in line for line in lines(file))


def test_a_table_that_would_be_too_narrow_becomes_a_block_of_lines_for_each_row() -> None:
    headings = ("framework", *(f"figure {n}" for n in range(7)))
    row = ("unsloth", *(f"{n}.5 GiB" for n in range(6)), "[no markup]")
    for width, first in ((80, "unsloth"), (160, "┏")):
        console, file = screen(width)
        console.print(text_table(headings, [row]))
        shown = lines(file)
        assert shown[0].startswith(first)
        assert any("[no markup]" in line for line in shown)
        assert any("3.5 GiB" in line for line in shown)


@pytest.mark.parametrize("width", [80, 160])
def test_claims_fit_the_width_too(reference: CheckedRun, width: int) -> None:
    console, file = screen(width)
    print_claims(console, judgements([reference]), details=True)
    assert max(map(len, lines(file))) <= width
