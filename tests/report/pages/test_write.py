from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.errors import RunFolderError
from harness.files.locations import SOURCE_ROOT
from harness.records.run_folder import RunFolder
from harness.report.pages.write import check_place
from tests.conftest import harness

REFERENCE = SOURCE_ROOT / "results" / "reference-h200-lora"


@pytest.mark.parametrize(
    ("run", "report"),
    [("results/a", "reports/a.md"), ("elsewhere/a", "elsewhere/reports/a.md"), ("[b]x", "reports/[b]x.md")],
)
def test_a_report_goes_beside_its_run_and_never_over_another_s(tmp_path: Path, run: str, report: str) -> None:
    shutil.copytree(REFERENCE, tmp_path / run)
    work = tmp_path / "work"
    (work / "reports").mkdir(parents=True)
    (work / "reports" / "a.md").write_text("another run's", encoding="utf-8")
    done = harness("report", str(tmp_path / run), folder=work)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / report)
    assert (tmp_path / report).is_file()
    assert (work / "reports" / "a.md").read_text(encoding="utf-8") == "another run's"


def test_results_that_are_a_link_have_their_reports_beside_the_link(tmp_path: Path) -> None:
    (tmp_path / "room" / "runs").mkdir(parents=True)
    shutil.copytree(REFERENCE, tmp_path / "room" / "runs" / "a")
    (tmp_path / "results").symlink_to(tmp_path / "room" / "runs")
    done = harness("report", "a", folder=tmp_path)
    assert done.stdout.strip() == str(tmp_path / "reports" / "a.md")


@pytest.mark.parametrize("wrong", ["reports", "reports/a.md", "reports/a"])
def test_a_place_where_no_report_can_be_written_is_told_before_anything_trains(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / wrong
    path.parent.mkdir(exist_ok=True)
    if wrong.endswith(".md"):
        path.mkdir()
    else:
        path.write_text("", encoding="utf-8")
    with pytest.raises(RunFolderError, match=f"{wrong}: "):
        check_place(RunFolder(tmp_path / "results" / "a"))
    done = harness("run", "--output", "results/a", folder=tmp_path)
    assert done.returncode == 2
    assert wrong in done.stderr
    assert not (tmp_path / "results").exists()
