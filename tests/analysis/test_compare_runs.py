"""One run compared with an earlier one: what may be compared, what is called a regression, and what is said of it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.compare_runs import changes
from harness.files.locations import SOURCE_ROOT
from harness.measure.steps import Step
from harness.records.checked_run import read_checked
from harness.records.run_folder import CellFiles, RunFolder
from tests.conftest import harness

REFERENCE = SOURCE_ROOT / "results" / "reference-cpu"


def slower(place: Path, framework: str, factor: float, **changed: Any) -> Path:
    """The reference run as it would have been had a framework been slower; recorded anew, not edited."""
    old, new = RunFolder(REFERENCE), RunFolder(place)
    run = old.read_run()
    for record in old.read_records():
        cell = record.cell
        steps = [Step(**step) for step in old.read_steps(cell)]
        values: dict[str, Any] = {"run": place.name}
        if record.framework == framework:
            steps = [dataclasses.replace(step, seconds=step.seconds * factor) for step in steps]
            values |= changed
            values["tokens_per_second"] = (record.tokens_per_second or 0) / factor
            values["median_step_seconds"] = (record.median_step_seconds or 0) * factor
        files = CellFiles(
            record=record.model_copy(update=values),
            job=old.read_job(cell).as_dict(),
            native_config=old.read_native_config(cell),
            steps=tuple(steps),
            log="",
        )
        new.write_cell(cell, files)
    for verdict in old.read_audits():
        new.write_audit(verdict)
    run.name, run.contents = place.name, new.contents()
    new.write_run(run)
    return place


def test_a_run_against_itself_shows_no_regression_and_no_difference() -> None:
    found = changes(read_checked(RunFolder(REFERENCE)), read_checked(RunFolder(REFERENCE)), 0.05)
    assert len(found) == 15
    assert not any(change.regressed() or change.why_not or change.differences for change in found)
    assert {change.quantities["tokens_per_second"].comparison.ratio.value for change in found} == {1.0}


def test_a_framework_that_became_slower_is_the_one_that_is_named(tmp_path: Path) -> None:
    later = slower(tmp_path / "later", "unsloth", 3.0, framework_version="2027.1")
    found = changes(read_checked(RunFolder(REFERENCE)), read_checked(RunFolder(later)), 0.05)
    assert {change.framework for change in found if change.regressed()} == {"unsloth"}
    (lora,) = (change for change in found if (change.framework, change.section) == ("unsloth", "lora"))
    assert lora.versions[1] == "2027.1"
    assert lora.quantities["tokens_per_second"].comparison.ratio.value == pytest.approx(1 / 3)


def test_what_ran_on_another_machine_or_job_is_not_compared(tmp_path: Path) -> None:
    later = slower(tmp_path / "later", "unsloth", 3.0, blocks_sha256="other text")
    found = [
        change
        for change in changes(read_checked(RunFolder(REFERENCE)), read_checked(RunFolder(later)), 0.05)
        if change.framework == "unsloth"
    ]
    assert all(not change.quantities and not change.regressed() for change in found)
    assert all("blocks_sha256" in change.why_not for change in found)


def test_the_exit_status_is_for_ci_and_the_summary_is_markdown(tmp_path: Path) -> None:
    slower(tmp_path / "results" / "later", "torchtune", 3.0)
    shutil.copytree(REFERENCE, tmp_path / "results" / "earlier")
    summary = tmp_path / "summary.md"
    done = harness("compare", "earlier", "later", folder=tmp_path, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 1, done.stderr
    assert "Regressed by more than 5%: torchtune (lora), torchtune (qlora), torchtune (full)." in done.stdout
    assert summary.read_text(encoding="utf-8").startswith("## later against earlier\n\nRegressed")
    assert harness("compare", "later", "earlier", folder=tmp_path).returncode == 0
    text = harness("compare", "later", "earlier", "--markdown", folder=tmp_path).stdout
    assert "No regression of more than 5% is shown in 15 comparisons." in text
    assert "Not compared" not in text
    assert "| framework | tokens/s |" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["none", "none"], "no such run"), ([str(REFERENCE), str(REFERENCE), "--fail-on", "much"], "must be a share")],
)
def test_a_mistake_is_one_message(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = harness("compare", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_what_could_not_be_compared_is_no_success(tmp_path: Path) -> None:
    shutil.copytree(REFERENCE, tmp_path / "results" / "earlier")
    place = slower(tmp_path / "results" / "later", "torchtune", 1.0, blocks_sha256="other text")
    done = harness("compare", "earlier", "later", folder=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "Not compared: torchtune (lora): measured under different conditions: blocks_sha256" in done.stdout
    for cell in (place / "cells").glob("torchtune-*"):
        shutil.rmtree(cell)
    done = harness("compare", "earlier", "later", folder=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "torchtune (full): is not in the later run" in done.stdout


def test_a_framework_that_gives_no_figures_any_more_is_named_with_the_reason(tmp_path: Path) -> None:
    shutil.copytree(REFERENCE, tmp_path / "results" / "earlier")
    slower(tmp_path / "results" / "later", "unsloth", 1.0, outcome="crashed", reason="no kernel")
    done = harness("compare", "earlier", "later", folder=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "unsloth (lora): gave no figures in the later run: crashed, no kernel" in done.stdout


def test_a_single_process_a_side_tells_nothing(tmp_path: Path) -> None:
    for name in ("earlier", "later"):
        place = slower(tmp_path / "results" / name, "unsloth", 1.0)
        for cell in (place / "cells").iterdir():
            if not cell.name.endswith("-01"):
                shutil.rmtree(cell)
    done = harness("compare", "earlier", "later", folder=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "Nothing can be compared: " in done.stdout
    assert "transformers (lora): too few processes" in done.stdout


def test_a_summary_that_cannot_be_written_hides_no_regression(tmp_path: Path) -> None:
    slower(tmp_path / "results" / "later", "torchtune", 3.0)
    (tmp_path / "results" / "earlier").symlink_to(REFERENCE)
    done = harness("compare", "earlier", "later", folder=tmp_path, GITHUB_STEP_SUMMARY=str(tmp_path))
    assert done.returncode == 1
    assert "Is a directory; the summary is left out" in done.stderr


def test_a_run_is_called_by_its_folder(tmp_path: Path) -> None:
    shutil.copytree(REFERENCE, tmp_path / "moved")
    printed = harness("compare", ".", str(REFERENCE), "--markdown", folder=tmp_path / "moved").stdout
    assert printed.startswith("## reference-cpu against moved")
    rows = json.loads(harness("export", "moved", folder=tmp_path).stdout)
    assert {row["run"] for row in rows} == {"moved"}
    assert {row["outcome"] for row in rows} == {"ok"}


def test_pytest_benchmark_reads_what_is_exported(tmp_path: Path) -> None:
    import subprocess
    import sys

    file = tmp_path / "run.json"
    done = harness("export", "--format", "pytest-benchmark", "--output", str(file), str(REFERENCE), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    benchmarks = json.loads(file.read_text(encoding="utf-8"))["benchmarks"]
    assert {benchmark["group"] for benchmark in benchmarks} == {"lora", "qlora", "full"}
    command = [str(Path(sys.executable).with_name("pytest-benchmark")), "compare", str(file), "--group-by=group"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    for benchmark in benchmarks:
        assert benchmark["name"].split()[0] in shown.stdout
    assert "Failed to load" not in shown.stdout + shown.stderr
