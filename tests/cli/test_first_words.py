"""What a newcomer meets first: `harness` alone, a run for scripts, the old report without a name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.cli.runs import newest_of_each_machine
from harness.errors import RunFolderError
from harness.files.locations import SOURCE_ROOT
from tests.conftest import harness


def test_harness_alone_says_in_eight_lines_what_to_type_first(tmp_path: Path) -> None:
    done = harness(folder=tmp_path)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) <= 8
    assert max(map(len, lines)) <= 80 + 15
    assert "harness run " in lines[2]


def test_a_quiet_run_prints_the_path_of_its_report_and_nothing_else(tmp_path: Path) -> None:
    small = ("--set", "max_steps=2", "--set", "sequence_length=32", "--repeats", "1", "--no-audit")
    done = harness(
        "run",
        "--frameworks",
        "transformers",
        "--profile",
        "cpu",
        *small,
        "--quiet",
        folder=tmp_path,
        HF_HUB_OFFLINE="1",
    )
    assert done.returncode == 0, done.stderr
    (path,) = done.stdout.splitlines()
    assert Path(path).read_text(encoding="utf-8").startswith("# ")


def test_the_old_report_is_of_the_newest_run_of_each_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunFolderError, match="holds no run yet"):
        newest_of_each_machine()
    for name in ("reference-h200-lora", "reference-h200", "reference-cpu"):
        place = tmp_path / "results" / name
        place.mkdir(parents=True)
        shutil.copy(SOURCE_ROOT / "results" / name / "run.json", place)
    assert [folder.path.name for folder in newest_of_each_machine()] == ["reference-cpu", "reference-h200"]


def test_a_language_that_is_not_there_gets_one_line(tmp_path: Path) -> None:
    run = str(SOURCE_ROOT / "results" / "reference-cpu")
    done = harness("report", run, "--as", "original", "--language", "fr", "--output", str(tmp_path), folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: command line: --language: 'fr': there is en, zh\n"
    assert not list(tmp_path.iterdir())
