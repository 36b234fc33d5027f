"""Runs that nobody plans: one cell, one framework, only failures, very many rows, very long names. Each reads well."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.cli.screens.blocks import print_report
from harness.files.locations import SOURCE_ROOT
from harness.job.frameworks import FRAMEWORKS
from harness.measure.steps import Step
from harness.records.checked_run import read_checked
from harness.records.run_folder import CellFiles, RunFolder
from harness.report.pages.html import render_html
from harness.report.pages.markdown import render_markdown
from harness.report.parts.report import report_of_checked, summary_of

REFERENCE = RunFolder(SOURCE_ROOT / "results" / "reference-cpu")
FAILED = {
    "outcome": "crashed",
    "reason": "RuntimeError: " + "a very long reason " * 20,
    "tokens_per_second": None,
    "peak_memory_bytes": None,
    "first_loss": None,
    "final_loss": None,
}


def run_of(place: Path, *cells: tuple[str, int, dict[str, Any]], name: str = "unusual") -> RunFolder:
    """A run of these cells: framework, round, and what differs from the reference's first LoRA cell."""
    folder = RunFolder(place / "results" / name)
    run = REFERENCE.read_run()
    run.status, run.contents = "running", {}
    folder.write_run(run)
    records = {record.cell: record for record in REFERENCE.read_records()}
    for framework, repeat, changed in cells:
        source = f"{framework}-lora-parity-01"
        cell = f"{framework}-lora-parity-{repeat:02d}"
        failed = changed.get("outcome", "ok") != "ok"
        files = CellFiles(
            record=records[source].model_copy(update={"cell": cell, "repeat": repeat, **changed}),
            job=REFERENCE.read_job(source).as_dict(),
            native_config=REFERENCE.read_native_config(source),
            steps=() if failed else tuple(Step(**step) for step in REFERENCE.read_steps(source)),
            log="",
        )
        folder.write_cell(cell, files)
    for verdict in REFERENCE.read_audits():
        folder.write_audit(verdict)
    return folder


def seen(folder: RunFolder, width: int = 80) -> tuple[str, str, list[str]]:
    """The run as Markdown, as HTML, and as the lines of a terminal."""
    run = read_checked(folder)
    report = report_of_checked([run], drawn=True, cells=True)
    screen = io.StringIO()
    print_report(Console(file=screen, width=width, force_terminal=True, color_system=None), summary_of(run))
    return render_markdown(report, "figures"), render_html(report), screen.getvalue().splitlines()


def test_one_cell_has_a_figure_and_no_verdict(tmp_path: Path) -> None:
    markdown, page, _ = seen(run_of(tmp_path, ("unsloth", 1, {})))
    assert "- Without transformers in the run there is no ratio of speeds. The highest figures: Unsloth " in markdown
    assert "data-figure" in page


def test_a_run_of_the_baseline_alone_says_so(tmp_path: Path) -> None:
    markdown, *_ = seen(run_of(tmp_path, *(("transformers", number, {}) for number in (1, 2, 3))))
    assert "there is no ratio of speeds" in markdown


def test_only_failures_give_no_figure_and_name_each_reason(tmp_path: Path) -> None:
    markdown, _, lines = seen(run_of(tmp_path, *((name, 1, FAILED) for name in FRAMEWORKS)))
    assert "- No framework gave a figure for the same job." in markdown
    assert markdown.count("| crashed | RuntimeError: a very long reason") == len(FRAMEWORKS)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("width", [40, 80])
def test_forty_rows_fit_any_screen(tmp_path: Path, width: int) -> None:
    cells = [(name, number, {"framework_version": f"1.{number}"}) for number in range(1, 9) for name in FRAMEWORKS]
    markdown, page, lines = seen(run_of(tmp_path, *cells), width)
    measured = markdown.partition("## Measured")[2].partition("\n## ")[0]
    assert sum(line.startswith(tuple(f"| {name} 1." for name in FRAMEWORKS)) for line in measured.splitlines()) == 40
    assert len(page.encode()) < 2_500_000
    assert max(map(len, lines)) <= width


def test_names_of_200_characters_break_no_output(tmp_path: Path) -> None:
    long = "v" + "9" * 199
    cells = [(name, 1, {"framework_version": long, "node": "n" * 200}) for name in FRAMEWORKS]
    markdown, page, lines = seen(run_of(tmp_path, *cells, name="r" * 200), 40)
    assert f"# {'r' * 200}" in markdown
    assert long in page
    assert max(map(len, lines)) <= 40
