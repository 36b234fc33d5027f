"""Results of any content: what can be shown is shown, and nothing breaks an output."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from harness.analysis.compare_runs import changes
from harness.analysis.history import history
from harness.cli.screens.blocks import print_report
from harness.errors import RunFolderError
from harness.files.json_files import finite
from harness.files.locations import SOURCE_ROOT
from harness.files.seal import SEAL, hashes_of
from harness.measure.steps import Step
from harness.records.cell_record import RECORDED_COLUMNS, kind_of
from harness.records.checked_run import frame_of, read_checked
from harness.records.run_folder import CellFiles, RunFolder
from harness.report.content.history import history_rows
from harness.report.content.pytest_benchmark import benchmarks_text
from harness.report.figures.drawing import Drawing
from harness.report.figures.history import history_figure
from harness.report.pages.html import render_html
from harness.report.pages.markdown import lines_of, render_markdown
from harness.report.parts.changes import blocks as change_blocks
from harness.report.parts.report import report_of_checked

REFERENCE = RunFolder(SOURCE_ROOT / "results" / "reference-cpu")
TEXT = st.text(max_size=30) | st.sampled_from(
    [
        "</script><script>x()</script>",
        "\x1b[2J\x1b[31m",
        "[bold]x[/bold]",
        "a|b\n# c",
        "\x00\x07",
        "{{ 7 * 7 }}",
        "\ud800",
    ]
)
NUMBER = (
    st.sampled_from([1e308, -1e308, float("nan"), float("inf"), 0, -1, 5e-324, 2**62])
    | st.floats()
    | st.integers(-(2**63), 2**63 - 1)
)
IDENTITY = {"run", "cell", "framework", "method", "track", "repeat", "twin", "tokens_per_step", "job_sha256"}
HELD_TO_THE_STEPS = {"tokens_per_second", "steps", "warmup_steps"}
FREE = [name for name in RECORDED_COLUMNS if name not in IDENTITY | HELD_TO_THE_STEPS | {"outcome", "compared_sha256"}]
ANY_RECORD = st.fixed_dictionaries(
    {}, optional={name: st.none() | (TEXT if kind_of(name) is str else NUMBER) for name in FREE}
)


def run_with(place: Path, changed: dict[str, Any], host: str, log: bytes = b"") -> RunFolder:
    """Two cells of each of two frameworks, all as recorded but for what is changed in every second one."""
    folder = RunFolder(place / "results" / "hostile")
    run = REFERENCE.read_run()
    run.status, run.contents, run.command = "running", {}, host
    run.host = dataclasses.replace(run.host, cpu=host)
    folder.write_run(run)
    records = {record.cell: record for record in REFERENCE.read_records()}
    for name in ("transformers", "unsloth"):
        for repeat in (1, 2):
            cell = f"{name}-lora-parity-{repeat:02d}"
            steps = tuple(Step(**step) for step in REFERENCE.read_steps(cell))
            files = CellFiles(
                record=records[cell],
                job=REFERENCE.read_job(cell).as_dict(),
                native_config=REFERENCE.read_native_config(cell),
                steps=steps,
                log=log.decode("utf-8", errors="replace"),
            )
            folder.write_cell(cell, files)
            if repeat == 2:
                change(folder.cells / cell, changed)
    for verdict in REFERENCE.read_audits():
        folder.write_audit(verdict)
    return folder


def change(cell: Path, changed: dict[str, Any]) -> None:
    """Another record under a new seal, as another program might have written it."""
    path = cell / "cell.json"
    record = {**json.loads(path.read_text(encoding="utf-8")), **finite(changed)}
    path.write_text(json.dumps(record), encoding="utf-8")
    (cell / SEAL).unlink()
    (cell / SEAL).write_text(json.dumps(hashes_of(cell)), encoding="utf-8")


def show_everything(folder: RunFolder) -> dict[str, str]:
    """The run in every form that there is."""
    run = read_checked(folder)
    report = report_of_checked([run], drawn=True, cells=True)
    screen = io.StringIO()
    print_report(Console(file=screen, width=80), report)
    frame = frame_of(run)
    frame.to_parquet(io.BytesIO(), index=False)
    points, _ = history([folder], "peak_memory_bytes")
    figures = [*report.figures, *filter(None, [history_figure(points, "peak_memory_bytes")])]
    with Drawing() as drawing:
        assert all(drawing.svgs(figure)["light"].startswith("<svg") for figure in figures)
    changed = changes(run, read_checked(REFERENCE), 0.05)
    return {
        "markdown": render_markdown(report, "figures"),
        "html": render_html(report),
        "terminal": screen.getvalue(),
        "csv": frame.to_csv(index=False),
        "json": str(frame.to_json(orient="records")),
        "pytest-benchmark": benchmarks_text(run),
        "history": str(history_rows(points, "peak_memory_bytes")),
        "compare": "\n".join(lines_of(change_blocks(changed, 0.05))),
    }


@settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(changed=ANY_RECORD, host=TEXT)
def test_any_value_in_a_record_is_shown_or_left_out(
    changed: dict[str, Any], host: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("hostile")
    shown = show_everything(run_with(place, changed, host))
    shutil.rmtree(place)
    assert "unsloth" in shown["markdown"]
    assert "\x1b" not in shown["terminal"]
    assert "\x1b" not in shown["markdown"]
    assert "\x1b" not in shown["html"]
    assert "<script>x()" not in shown["html"]


def test_a_log_of_ten_megabytes_is_cut(tmp_path: Path) -> None:
    folder = run_with(tmp_path, {}, "a CPU", b"\x1b[31m<b>no newline</b>\x00\xff" * 400_000)
    assert (folder.cells / "unsloth-lora-parity-01" / "log.txt").stat().st_size > 10_000_000
    shown = show_everything(folder)
    assert len(shown["html"]) < 2_000_000
    assert "<b>no newline" not in shown["html"]
    assert "\x1b" not in shown["html"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def of_another_program(path: Path) -> None:
    path.write_text('{"schema_version": 1, "cells": "none", "probes": 7}', encoding="utf-8")


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("broken", [cut, of_another_program, empty])
@pytest.mark.parametrize(
    "name",
    ["cells/unsloth-lora-parity-01/cell.json", "audits/unsloth-lora-parity.json", "capabilities.json", "capacity.json"],
)
def test_what_is_half_written_or_foreign_is_named_and_the_rest_is_shown(
    name: str, broken: Callable[[Path], None], tmp_path: Path
) -> None:
    folder = run_with(tmp_path, {}, "a CPU")
    for more in ("capabilities.json", "capacity.json"):
        if (REFERENCE.path / more).is_file():
            shutil.copy(REFERENCE.path / more, folder.path / more)
    broken(folder.path / name)
    shown = show_everything(folder)
    for form in ("markdown", "html"):
        assert Path(name).name in shown[form], form
        assert "transformers 5." in shown[form]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be read"),
        ("[]", "schema_version = None: this version reads 1"),
        ('{"schema_version": 99}', "schema_version = 99: this version reads 1"),
        ('{"schema_version": 1}', "name is missing"),
    ],
)
def test_a_run_that_cannot_be_understood_is_refused_in_one_line(content: str, message: str, tmp_path: Path) -> None:
    folder = run_with(tmp_path, {}, "a CPU")
    (folder.path / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(RunFolderError, match=message):
        read_checked(folder)


def test_a_run_without_cells_has_a_report_that_says_so(tmp_path: Path) -> None:
    folder = run_with(tmp_path, {}, "a CPU")
    shutil.rmtree(folder.cells)
    assert "No framework gave a figure for the same job" in show_everything(folder)["markdown"]
