"""All five frameworks, really trained by one command: what a user gets from it."""

from __future__ import annotations

import dataclasses
import io
import json
import math
from pathlib import Path

import pandas as pd
import pytest

import harness as package
from harness.environment.environment import Environment
from harness.job.frameworks import FRAMEWORKS
from harness.job.job import Job
from harness.records.cell_record import COLUMNS
from tests.conftest import harness, small_run, steps_of_cell

REQUIRED_COLUMNS = {
    "run",
    "framework",
    "framework_version",
    "method",
    "precision",
    "track",
    "repeat",
    "outcome",
    "reason",
    "device",
    "tokens_per_second",
    "median_step_seconds",
    "peak_memory_bytes",
    "peak_memory_kind",
    "first_loss",
    "final_loss",
    "steps",
    "tokens_per_step",
    "wall_seconds",
    "model_source",
    "dataset_source",
}


@pytest.fixture(scope="module")
def frame(comparison: Path) -> pd.DataFrame:
    return package.load_results(comparison)


def test_all_five_frameworks_trained_both_methods(frame: pd.DataFrame) -> None:
    assert set(zip(frame.framework, frame.method, strict=True)) == {
        (framework, method) for framework in FRAMEWORKS for method in ("lora", "qlora")
    }
    assert set(frame.outcome) == {"ok"}


@pytest.mark.parametrize(("method", "tolerance"), [("lora", 1e-6), ("qlora", 1e-4)])
def test_the_frameworks_losses_agree_at_every_step(comparison: Path, method: str, tolerance: float) -> None:
    """fp32 agrees to the rounding; over 4-bit weights torchtune's NF4 rounds its scales otherwise."""
    losses = [[step["loss"] for step in steps_of_cell(comparison, f"{name}-{method}-parity-01")] for name in FRAMEWORKS]
    assert len(losses[0]) == 4
    assert len(set(losses[0])) == 4
    for others in losses[1:]:
        for ours, theirs in zip(losses[0], others, strict=True):
            assert math.isclose(ours, theirs, rel_tol=tolerance)


def test_the_audit_finds_the_same_job_in_all_of_them(comparison: Path, frame: pd.DataFrame) -> None:
    verdicts = {
        (verdict["framework"], verdict["method"]): verdict
        for verdict in (json.loads(path.read_text(encoding="utf-8")) for path in (comparison / "audits").glob("*.json"))
    }
    assert {key: verdict["reasons"] for key, verdict in verdicts.items()} == {
        (framework, method): [] for framework in FRAMEWORKS for method in ("lora", "qlora")
    }
    deviating = [key for key, verdict in verdicts.items() if verdict["same_job"] != "yes"]
    assert deviating == [("torchtune", "qlora")]
    assert "torchao" in verdicts["torchtune", "qlora"]["deviations"][0]
    assert set(frame.same_job) == {"yes", "with deviations"}


def test_every_field_of_the_job_is_asked_and_got(comparison: Path) -> None:
    fields = {field.name for field in dataclasses.fields(Job)}
    for path in (comparison / "audits").glob("*.json"):
        findings = {finding["subject"]: finding for finding in json.loads(path.read_text(encoding="utf-8"))["findings"]}
        assert fields <= set(findings)
        assert not [finding for finding in findings.values() if finding["result"] == "not readable"]


@pytest.mark.slow
def test_full_fine_tuning_is_the_same_job_in_all_of_them_too(
    tmp_path: Path, environments: dict[str, Environment]
) -> None:
    run = small_run(tmp_path, "full")
    frame = package.load_results(run)
    assert (set(frame.outcome), set(frame.same_job)) == ({"ok"}, {"yes"})
    assert set(frame.trainable_parameters) == {42_044_160}
    steps = [steps_of_cell(run, f"{name}-full-parity-01") for name in FRAMEWORKS]
    for others in steps[1:]:
        for ours, theirs in zip(steps[0], others, strict=True):
            assert math.isclose(ours["loss"], theirs["loss"], rel_tol=1e-6)
    norms = [lines[-1]["grad_norm"] for lines in steps]
    assert max(norms) / min(norms) < 1 + 1e-4


def test_the_gradient_norms_agree_too(comparison: Path) -> None:
    norms = [steps_of_cell(comparison, f"{name}-lora-parity-01")[-1]["grad_norm"] for name in FRAMEWORKS]
    assert max(norms) / min(norms) < 1 + 1e-4


def test_a_random_model_starts_at_the_logarithm_of_its_vocabulary(frame: pd.DataFrame) -> None:
    assert frame.first_loss.between(math.log(151_936) - 0.3, math.log(151_936) + 0.3).all()


def test_every_figure_is_there_and_follows_from_the_steps(frame: pd.DataFrame, comparison: Path) -> None:
    assert set(frame.columns) >= REQUIRED_COLUMNS
    for cell in frame.itertuples():
        steps = steps_of_cell(comparison, str(cell.cell))
        steady = sorted(step["seconds"] for step in steps if not step["warmup"])
        assert cell.median_step_seconds == pytest.approx(steady[1])
        assert cell.tokens_per_second == pytest.approx(32 * 2 * 2 / steady[1])
        assert steps[-1]["end_seconds"] == pytest.approx(sum(step["seconds"] for step in steps))
        assert 300e6 < float(str(cell.peak_memory_bytes)) < 4e9
        assert cell.peak_memory_kind == "resident set of the process tree"
        assert float(str(cell.wall_seconds)) > float(str(cell.training_seconds)) > 0


def test_every_cell_is_held_against_what_the_machine_reached_itself(frame: pd.DataFrame, comparison: Path) -> None:
    chip = json.loads((comparison / "run.json").read_text(encoding="utf-8"))["chip"]
    assert chip["matmul_dtype"] == "float32"
    assert 1e9 < chip["matmul_flops_per_second"] < 1e14
    assert 1e8 < chip["copy_bytes_per_second"] < 1e13
    # Nobody does more than the machine can, nor with less than the job must hold.
    assert frame.model_flops_utilization.between(0.001, 1.2).all()
    assert frame.memory_bandwidth_share.between(0.001, 1.2).all()
    assert (frame.peak_memory_bytes > frame.memory_floor_bytes).all()


def test_the_largest_of_the_phases_peaks_is_the_cells(frame: pd.DataFrame) -> None:
    phases = frame[["load_peak_bytes", "first_step_peak_bytes", "steady_peak_bytes"]]
    assert phases.notna().all(axis=None)
    assert (phases.max(axis=1) <= frame.peak_memory_bytes).all()
    assert (phases.max(axis=1) >= 0.98 * frame.peak_memory_bytes).all()


def test_only_the_adapter_is_trained(frame: pd.DataFrame) -> None:
    trained = frame.groupby("method").trainable_parameters.unique()
    assert {method: list(values) for method, values in trained.items()} == {
        "lora": [311_296],
        "qlora": [311_296],
    }


def test_the_run_says_what_it_was_on(comparison: Path) -> None:
    run = json.loads((comparison / "run.json").read_text(encoding="utf-8"))
    assert run["status"] == "complete"
    assert run["start"] == "warm"
    assert set(run["frameworks"]) == set(FRAMEWORKS)
    assert {facts["versions"]["torch"].split("+")[0] for facts in run["frameworks"].values()} == {"2.13.0"}
    assert run["inputs"]["lora"]["dataset_is_stand_in"] is True
    notes = " ".join(run["frameworks"]["unsloth"]["notes"])
    assert "Triton kernels did not run" in notes
    assert any("no Qwen3" in note for note in run["frameworks"]["torchtune"]["notes"])


def test_nothing_recorded_names_this_machine_or_its_secrets(comparison: Path) -> None:
    home, folder = str(Path.home()), str(Path(package.__file__).parent.parent)
    for path in [*comparison.rglob("*.json"), *comparison.rglob("*.txt")]:
        text = path.read_text(encoding="utf-8")
        assert folder not in text, path
        assert len(home) < 2 or home not in text, path


def test_export_and_load_results_are_the_same(comparison: Path, frame: pd.DataFrame, tmp_path: Path) -> None:
    as_csv = harness("export", "--format", "csv", str(comparison), folder=tmp_path)
    as_json = harness("export", str(comparison), folder=tmp_path)
    harness("export", "--format", "parquet", "--output", "cells.parquet", str(comparison), folder=tmp_path)
    for other in (
        pd.read_csv(io.StringIO(as_csv.stdout), keep_default_na=False, na_values=[""]),
        pd.read_json(io.StringIO(as_json.stdout)),
        pd.read_parquet(tmp_path / "cells.parquet"),
    ):
        assert list(other.columns) == list(COLUMNS)
        assert list(other.cell) == list(frame.cell)
        assert other.tokens_per_second.tolist() == pytest.approx(frame.tokens_per_second.tolist(), rel=1e-12)
        assert other.final_loss.tolist() == pytest.approx(frame.final_loss.tolist(), rel=1e-12)


def test_the_report_is_made_again_to_the_same_bytes(comparison: Path, tmp_path: Path) -> None:
    path = comparison.parent.parent / "reports" / "all.md"
    first = path.read_bytes()
    done = harness("report", str(comparison), folder=tmp_path)
    assert done.returncode == 0
    assert path.read_bytes() == first
    text = first.decode()
    for words in (
        "## Measured",
        "times transformers",
        "## Native configs",
        "sequence_len: 32",
        "python -m harness run",
        "stand-in",
        "its Triton kernels did not run",
        "The weights are random",
    ):
        assert words in text, words


def test_a_finished_run_is_not_run_again(comparison: Path) -> None:
    cell = comparison / "cells" / "axolotl-qlora-parity-01" / "cell.json"
    before = cell.stat().st_mtime_ns
    done = harness("run", "--resume", "--output", str(comparison), folder=comparison)
    assert done.returncode == 0, done.stderr
    assert cell.stat().st_mtime_ns == before


def test_a_folder_that_belongs_to_another_run_is_not_touched(comparison: Path, tmp_path: Path) -> None:
    for options, words in [
        (["--frameworks", "torchtune"], "belongs to another run"),
        (["--resume", "--frameworks", "torchtune"], "belongs to a run with other options"),
    ]:
        done = harness("run", "--output", str(comparison), *options, folder=tmp_path)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr
