from __future__ import annotations

import shutil
from pathlib import Path

from harness.analysis.history import history
from harness.files.locations import SOURCE_ROOT
from harness.records.run_folder import RunFolder, runs_in
from tests.analysis.test_compare_runs import slower
from tests.conftest import harness

REFERENCE = SOURCE_ROOT / "results" / "reference-cpu"


def test_each_run_is_a_point_of_its_frameworks_line(tmp_path: Path) -> None:
    slower(tmp_path / "later", "unsloth", 2.0)
    points, left_out = history([RunFolder(REFERENCE), RunFolder(tmp_path / "later")], "tokens_per_second")
    assert left_out == []
    line = [point for point in points if (point.framework, point.section) == ("unsloth", "lora")]
    assert {point.run for point in line} == {"reference-cpu", "later"}
    first, second = sorted((point.estimate.value for point in line), reverse=True)
    assert round(first / second, 6) == 2.0


def test_a_broken_run_is_named_and_the_others_are_shown(tmp_path: Path) -> None:
    shutil.copytree(REFERENCE, tmp_path / "results" / "good")
    (tmp_path / "results" / "bad").mkdir()
    (tmp_path / "results" / "bad" / "run.json").write_text('{"schema_version": 99}', encoding="utf-8")
    assert len(runs_in(tmp_path / "results")) == 2
    done = harness("history", "--metric", "peak_memory_bytes", "--figure", "out/memory.svg", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "schema_version = 99" in done.stderr
    assert "llamafactory" in done.stdout
    assert (tmp_path / "out" / "memory.svg").read_text(encoding="utf-8").startswith("<svg")


def test_nothing_recorded_is_said_clearly(tmp_path: Path) -> None:
    done = harness("history", folder=tmp_path)
    assert done.returncode == 2
    assert "holds no run with figures" in done.stderr
