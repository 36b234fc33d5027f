"""A results folder that is no longer what was recorded never gives a figure."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.analysis.cautions import Caution, cautions_of
from harness.files.locations import SOURCE_ROOT
from harness.files.seal import sealed
from harness.records.cell_record import CellRecord
from harness.records.checked_run import arrow_table_of, read_checked
from harness.records.run_folder import RunFolder
from harness.report.pages.markdown import render_markdown
from harness.report.parts.report import report_of
from tests.conftest import REFERENCES, harness

REFERENCE = SOURCE_ROOT / "results" / "reference-cpu"
CELL = "transformers-lora-parity-01"


@pytest.fixture
def run(comparison: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(comparison, tmp_path / "run"))


def cell_of(run: Path) -> CellRecord:
    return next(cell for cell in read_checked(RunFolder(run)).cells if cell.cell == CELL)


def test_an_untouched_folder_is_sound(run: Path) -> None:
    cells = read_checked(RunFolder(run)).cells
    assert {cell.outcome for cell in cells} == {"ok"}
    assert "no" not in {cell.same_job for cell in cells}


def test_a_renamed_folder_is_sound_too(run: Path) -> None:
    renamed = RunFolder(run.rename(run.with_name("other")))
    assert {cell.outcome for cell in read_checked(renamed).cells} == {"ok"}


def reseal(folder: Path, name: str) -> None:
    seal = json.loads((folder / "seal.json").read_text(encoding="utf-8"))
    seal[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "seal.json").write_text(json.dumps(seal), encoding="utf-8")


def edit(path: Path, **changed: object) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, **changed}), encoding="utf-8")


def test_an_edited_run_gives_no_figure(run: Path) -> None:
    folder = RunFolder(run)
    edit(run / "run.json", host={**dataclasses.asdict(folder.read_run().host), "gpu": "NVIDIA H200"})
    cells = read_checked(folder).cells
    assert {cell.outcome for cell in cells} == {"invalid"}
    assert all(cell.tokens_per_second is None and cell.peak_memory_bytes is None for cell in cells)
    done = harness("run", "--resume", "--output", str(run), folder=run.parent)
    assert done.returncode == 2
    assert "run.json is not as it was recorded" in done.stderr


def test_an_edited_audit_finds_no_job_the_same(run: Path) -> None:
    edit(run / "audits" / "transformers-lora-parity.json", loss_tolerance=1.0)
    assert cell_of(run).same_job == "no"
    assert "transformers-lora-parity.json: not as it was recorded" in str(cell_of(run).why_not_same_job)


def test_an_audit_of_another_run_does_not_count(run: Path) -> None:
    path = run / "audits" / "transformers-lora-parity.json"
    verdict = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(sealed({**verdict, "tolerance": "generous"})), encoding="utf-8")
    assert cell_of(run).same_job == "no"


@pytest.mark.parametrize(
    ("copied", "words"),
    [
        ("transformers-lora-parity-02", "it was recorded as transformers-lora-parity-01"),
        ("unsloth-lora-parity-01", "it was recorded as transformers-lora-parity-01"),
    ],
)
def test_a_cell_under_another_name_gives_no_figure(run: Path, copied: str, words: str) -> None:
    shutil.rmtree(run / "cells" / copied, ignore_errors=True)
    shutil.copytree(run / "cells" / CELL, run / "cells" / copied)
    (cell,) = (cell for cell in read_checked(RunFolder(run)).cells if cell.cell == copied)
    assert (cell.outcome, cell.reason) == ("invalid", words)


def test_a_cell_of_another_run_gives_no_figure(run: Path) -> None:
    folder = run / "cells" / CELL
    edit(folder / "cell.json", run="elsewhere")
    reseal(folder, "cell.json")
    assert cell_of(run).reason == "it was recorded in another run, 'elsewhere'"


def test_a_cell_that_was_recorded_twice_counts_only_as_the_run_had_it(run: Path) -> None:
    folder = run / "cells" / CELL
    (folder / "log.txt").write_text("another attempt", encoding="utf-8")
    reseal(folder, "log.txt")
    assert cell_of(run).reason == "it is not the cell that the run had when it was complete"


def test_a_cell_that_was_taken_away_is_missed(run: Path) -> None:
    shutil.rmtree(run / "cells" / CELL)
    folder = RunFolder(run)
    assert Caution.MISSING in cautions_of(folder.read_run(), read_checked(folder).cells)
    assert Caution.MISSING.value in render_markdown(report_of(folder, drawn=False), "")


def faster(folder: Path) -> None:
    path = folder / "cell.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, "tokens_per_second": 9e9}), encoding="utf-8")


def truncated(folder: Path) -> None:
    path = folder / "steps.jsonl"
    path.write_text(path.read_text(encoding="utf-8")[:-40], encoding="utf-8")


def emptied(folder: Path) -> None:
    (folder / "steps.jsonl").write_text("", encoding="utf-8")


def removed(folder: Path) -> None:
    (folder / "steps.jsonl").unlink()


def unsealed(folder: Path) -> None:
    (folder / "seal.json").unlink()


def other_job(folder: Path) -> None:
    path = folder / "job.json"
    path.write_text(path.read_text(encoding="utf-8").replace("16", "8"), encoding="utf-8")


@pytest.mark.parametrize("harm", [faster, truncated, emptied, removed, unsealed, other_job])
def test_an_edited_cell_is_flagged_and_gives_no_figure(run: Path, harm: Callable[[Path], None]) -> None:
    harm(run / "cells" / CELL)
    cell = cell_of(run)
    assert cell.outcome == "invalid"
    assert "not as it was recorded" in str(cell.reason)
    assert cell.tokens_per_second is None


def change_steps(folder: Path, change: Callable[[dict[str, object]], None]) -> None:
    path = folder / "steps.jsonl"
    steps = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for step in steps:
        change(step)
    path.write_text("".join(json.dumps(step) + "\n" for step in steps), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda step: step.update(seconds=-1.0), "took -1.0 s"),
        (lambda step: step.update(seconds=float("nan")), "took nan s"),
        (lambda step: step.update(loss=float("nan")), "is nan"),
        (lambda step: step.update(loss=None), "no loss"),
        (lambda step: step.update(seconds=1e-3), "its steps take"),
        (lambda step: step.pop("seconds"), "cannot be understood"),
    ],
)
def test_steps_that_cannot_be_are_invalid_even_under_a_new_seal(
    run: Path, change: Callable[[dict[str, object]], None], words: str
) -> None:
    folder = run / "cells" / CELL
    change_steps(folder, change)
    reseal(folder, "steps.jsonl")
    edit(run / "run.json", status="running")
    run_json = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps(sealed(run_json)), encoding="utf-8")
    cell = cell_of(run)
    assert cell.outcome == "invalid"
    assert words in str(cell.reason)


@pytest.mark.parametrize("run", REFERENCES)
def test_a_committed_report_is_what_its_results_give(run: str) -> None:
    committed = (SOURCE_ROOT / "reports" / f"{run}.md").read_text(encoding="utf-8")
    assert render_markdown(report_of(RunFolder(REFERENCE.parent / run), drawn=True), run) == committed


def test_a_column_of_parquet_has_its_type_whatever_the_run_holds() -> None:
    on_cpu, on_gpu = (
        arrow_table_of(read_checked(RunFolder(REFERENCE.parent / run)))
        for run in ("reference-cpu", "reference-h200-lora")
    )
    assert on_cpu.schema.equals(on_gpu.schema)
    # Of a CPU there is none, of a cell that failed no figure.
    assert str(on_cpu.schema.field("gpu_process_peak_bytes").type) == "int64"
    assert str(on_cpu.schema.field("energy_source").type) == "string"
    assert on_cpu.column("gpu_process_peak_bytes").null_count == len(on_cpu)
    assert on_gpu.column("gpu_process_peak_bytes").to_pylist()[0] > 10**9
