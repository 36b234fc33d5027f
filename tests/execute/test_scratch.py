from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness.execute.scratch import OWNER, remove_left_behind, scratch_folder
from harness.files.locations import SCRATCH_PREFIX

KEEP = """
import sys
from harness.execute.scratch import scratch_folder
with scratch_folder() as place:
    print(place, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def keeper(place: Path) -> tuple[subprocess.Popen[str], Path]:
    """Another process with a scratch folder."""
    variables = {**os.environ, "TMPDIR": str(place)}
    command = [sys.executable, "-c", KEEP]
    process = subprocess.Popen(command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_killed_run_s_folder_is_removed_by_the_next_and_a_living_one_s_is_not(place: Path) -> None:
    process, folder = keeper(place)
    with scratch_folder():
        assert folder.is_dir()
    process.kill()
    process.wait()
    assert folder.is_dir()
    with scratch_folder() as own:
        assert not folder.exists()
        assert own.is_dir()
    assert not own.exists()


@pytest.mark.parametrize(
    "marker",
    [
        None,
        "",
        "[]",
        "{}",
        '{"pid": 1}',
        '{"pid": 4194305, "started": 0.0, "processes": "another machine"}',
    ],
)
def test_what_is_not_surely_a_dead_run_of_this_machine_stays(place: Path, marker: str | None) -> None:
    folder = place / f"{SCRATCH_PREFIX}other"
    folder.mkdir()
    if marker is not None:
        (folder / OWNER).write_text(marker, encoding="utf-8")
    remove_left_behind(place)
    assert folder.is_dir()
