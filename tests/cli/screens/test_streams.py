from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.files.locations import SOURCE_ROOT
from tests.conftest import harness

REFERENCE = SOURCE_ROOT / "results" / "reference-h200-lora"
NAMES = [b"l\xc3\xa4uf", b"r\xff"]
"""Of a run's folder: one that ASCII lacks, and one that is no text at all."""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("raw", NAMES)
@pytest.mark.parametrize(
    "command", ["report {} --terminal", "compare {} {}", "export {} --format csv", "list", "history", "matrix"]
)
def test_no_encoding_and_no_name_makes_a_traceback(tmp_path: Path, encoding: str, raw: bytes, command: str) -> None:
    name = os.fsdecode(raw)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / name).symlink_to(REFERENCE)
    words = [word.format(name) for word in command.split()]
    done = harness(*words, folder=tmp_path, PYTHONIOENCODING=encoding)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 3), done.stderr


def test_what_tables_are_made_of_is_drawn_in_ascii(tmp_path: Path) -> None:
    done = harness("report", str(REFERENCE), "--terminal", folder=tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "\\u2" not in done.stdout
    assert "+-----" in done.stdout


def test_a_report_of_a_run_whose_name_is_no_text_has_one_that_is(tmp_path: Path) -> None:
    place = tmp_path / "results" / os.fsdecode(NAMES[1])
    shutil.copytree(REFERENCE, place)
    done = harness("report", str(place), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reports" / "r\ufffd.md").read_text(encoding="utf-8").startswith("# r")


WRITE = """
import resource, sys
from harness.cli.screens.streams import open_streams
open_streams()
sys.stdout.write("x" * 1_000_000)
sys.stdout.flush()
sys.stderr.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_utime:.2f}")
"""


def test_a_pipe_that_does_not_wait_is_waited_for_and_costs_no_core() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    command = [sys.executable, "-c", WRITE]
    process = subprocess.Popen(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    time.sleep(3)
    with os.fdopen(reading, "rb") as file:
        assert len(file.read()) == 1_000_000
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 0
    assert float(printed) < 2
