"""Several runs in one report: by machine, never in one ratio."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from harness.files.locations import SOURCE_ROOT
from harness.records.checked_run import read_checked
from harness.records.run_folder import RunFolder
from harness.report.pages.html import render_html
from harness.report.pages.markdown import render_markdown
from harness.report.pages.write import write_report
from harness.report.parts.blocks import Group, Table
from harness.report.parts.report import report_of

REFERENCE = RunFolder(SOURCE_ROOT / "results" / "reference-cpu")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The reference run as another machine would have recorded it."""
    folder = RunFolder(tmp_path_factory.mktemp("results") / "results" / "elsewhere")
    shutil.copytree(REFERENCE.path, folder.path)
    run = folder.read_run()
    run.host = dataclasses.replace(run.host, cpu="Another CPU")
    folder.write_run(run)
    return folder


def test_each_machine_has_its_own_table_and_each_run_its_own_parts(other: RunFolder) -> None:
    report = report_of(REFERENCE, other, drawn=False)
    assert report.title == "reference-cpu and elsewhere"
    groups = [block for block in report.sections[0].blocks if isinstance(block, Group)]
    assert [group.title for group in groups] == ["AMD EPYC, 2 threads", "Another CPU, 2 threads"]
    for group, name in zip(groups, ("reference-cpu", "elsewhere"), strict=True):
        (table,) = group.blocks
        assert isinstance(table, Table)
        assert {row[0] for row in table.rows} == {name}
    titles = [section.title for section in report.sections]
    assert titles.index("reference-cpu: Measured") < titles.index("elsewhere: Measured")
    assert titles.count("Claims") == 1


def test_no_ratio_is_over_two_runs(other: RunFolder) -> None:
    reports = {"Measured": report_of(REFERENCE, drawn=False)}
    reports["elsewhere: Measured"] = report_of(REFERENCE, other, drawn=False)
    alone, in_both = (
        [block for section in report.sections if section.title == title for block in section.blocks]
        for title, report in reports.items()
    )
    tables = [[block for block in run if isinstance(block, Table)] for run in (alone, in_both)]
    assert len(tables[0]) == 1
    assert tables[0] == tables[1]


def test_the_page_can_be_asked_for_one_machine(other: RunFolder) -> None:
    page = render_html(report_of(REFERENCE, other, drawn=True))
    assert '<input type="checkbox" name="machine" value="Another CPU, 2 threads" checked>' in page
    assert '<input type="checkbox" name="machine"' not in render_html(report_of(REFERENCE, drawn=True))


def test_figures_of_two_runs_do_not_overwrite_each_other(other: RunFolder, tmp_path: Path) -> None:
    runs = [read_checked(REFERENCE), read_checked(other)]
    (written,) = write_report(runs, tmp_path)
    assert written == tmp_path / "reference-cpu-and-elsewhere.md"
    figures = {path.name for path in (tmp_path / "reference-cpu-and-elsewhere").iterdir()}
    assert {"1-ratios-light.svg", "2-ratios-light.svg"} <= figures
    text = written.read_text(encoding="utf-8")
    assert all(f"reference-cpu-and-elsewhere/{name}" in text for name in figures)


def test_claims_are_held_against_all_runs_together(other: RunFolder) -> None:
    text = render_markdown(report_of(REFERENCE, other, drawn=False), "")
    assert "checked against these runs alone" in text
