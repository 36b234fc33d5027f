"""Real records of an H100, as a run left them there: whatever is done with results works with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import harness as package
from harness.analysis.cautions import Caution, cautions_of
from harness.files.locations import SOURCE_ROOT
from harness.records.checked_run import read_checked
from harness.records.run_folder import RunFolder
from tests.conftest import harness

RECORDS = SOURCE_ROOT.parent / "shared" / "gpu" / "h100-first"
RUNS = ("h100-full", "h100-cold", "reference-h100-full")

pytestmark = pytest.mark.skipif(not RECORDS.is_dir(), reason="the records of an H100 are not part of the project")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for run in RUNS:
        shutil.copytree(RECORDS / run, tmp_path / "results" / run, copy_function=shutil.copyfile)
    return tmp_path


@pytest.mark.parametrize("run", RUNS)
def test_reports_verdicts_and_stars_are_made_of_a_gpu_run(place: Path, run: str) -> None:
    for command in ("report", "verify", "matrix"):
        names = ("--results", f"results/{run}") if command == "verify" else (f"results/{run}",)
        done = harness(command, *names, folder=place)
        assert done.returncode == 0, done.stderr
    report = (place / "reports" / f"{run}.md").read_text(encoding="utf-8")
    assert "NVIDIA H100 80GB HBM3" in report
    assert "GPU busy" in report


def test_a_gpu_that_waited_for_its_host_is_cautioned_of_and_a_busy_one_is_not(place: Path) -> None:
    cold, full = (read_checked(RunFolder(place / "results" / run)) for run in ("h100-cold", "h100-full"))
    assert Caution.GPU_WAITED in cautions_of(cold.record, cold.cells)
    assert Caution.GPU_WAITED not in cautions_of(full.record, full.cells)
    assert Caution.GPU_NOT_RETURNED not in cautions_of(full.record, full.cells)


def test_what_older_records_do_not_say_is_nothing(place: Path) -> None:
    frame = package.load_results(place / "results" / "h100-full")
    assert frame.node.isna().all()
    assert frame.gpu_bytes_not_returned.isna().all()
    assert (frame.tokens_per_second > 40_000).all()
