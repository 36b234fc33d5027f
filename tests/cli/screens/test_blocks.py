"""Screens in consoles of several widths, with and without colour and Unicode."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.cli.screens.blocks import print_blocks, print_report
from harness.files.locations import SOURCE_ROOT
from harness.records.checked_run import CheckedRun, read_checked
from harness.records.run_folder import RunFolder
from harness.report.parts import claims
from harness.report.parts.blocks import Folded, Paragraph, Table
from harness.report.parts.report import report_of_checked, summary_of
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


@pytest.mark.parametrize("width", [80, 160])
def test_the_end_of_a_run_gives_the_reports_answer_and_fits_the_width(reference: CheckedRun, width: int) -> None:
    console, file = screen(width)
    summary, report = summary_of(reference), report_of_checked([reference], drawn=False)
    print_report(console, summary)
    shown = lines(file)
    assert summary.answers == report.answers
    assert max(map(len, shown)) <= width
    assert next(filter(None, shown)).startswith("No framework is shown to train faster than transformers")
    # Each framework has one line for each of the three methods, with its name in one piece.
    for name in ("transformers", "unsloth", "axolotl", "torchtune", "llamafactory"):
        assert sum(line.startswith(f" {name} ") for line in shown) == 3


def test_a_terminal_of_40_columns_gets_lines(reference: CheckedRun) -> None:
    console, file = screen(40)
    print_report(console, summary_of(reference))
    shown = lines(file)
    assert max(map(len, shown)) <= 40
    assert sum(line.strip() == "unsloth" for line in shown) == 3
    assert any(line.strip().startswith("memory: 0.84 less") for line in shown)


def test_a_terminal_without_unicode_gets_no_pictures(reference: CheckedRun) -> None:
    console, file = screen(80, "ascii")
    print_report(console, summary_of(reference))
    assert any("unsloth" in line for line in lines(file))


def test_a_table_that_would_be_too_narrow_becomes_a_block_of_lines_for_each_row() -> None:
    headings = ("framework", *(f"figure {n}" for n in range(7)))
    row = ("unsloth", *(f"{n}.5 GiB of memory at the peak" for n in range(6)), "[no markup]")
    for width, first in ((80, "unsloth"), (160, "")):
        console, file = screen(width)
        print_blocks(console, [Table(headings=headings, rows=[row])])
        shown = lines(file)
        assert shown[0].strip() == first
        assert any("[no markup]" in line for line in shown)
        assert any("3.5 GiB" in line for line in shown)


def test_what_a_page_folds_is_shown_with_details_only() -> None:
    folded = Folded(title="Evidence", blocks=(Paragraph(text="the evidence itself"),))
    for details in (False, True):
        console, file = screen(80)
        print_blocks(console, [folded], details=details)
        assert any("the evidence itself" in line for line in lines(file)) is details


@pytest.mark.parametrize("width", [80, 160])
def test_claims_fit_the_width_too(reference: CheckedRun, width: int) -> None:
    console, file = screen(width)
    print_blocks(console, claims.blocks(judgements([reference])), details=True)
    assert max(map(len, lines(file))) <= width
