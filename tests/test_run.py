"""Whole runs of one real framework: interrupted, resumed, broken in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import SMALL, harness

OPTIONS = ["run", "--frameworks", "torchtune", "--output", "results/r", *(w for s in SMALL for w in ("--set", s))]


def recorded(run: Path) -> dict[str, int]:
    return {path.parent.name: path.stat().st_mtime_ns for path in run.glob("cells/*/cell.json")}


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *OPTIONS, *more],
        cwd=folder,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_cells(run: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 300
    while len(recorded(run)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.usefixtures("environments")
def test_ctrl_c_loses_nothing_and_resume_repeats_nothing(tmp_path: Path) -> None:
    run = tmp_path / "results" / "r"
    process = start(tmp_path, "--repeats", "4")
    wait_for_cells(run, 1, process)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume --output results/r" in stderr
    assert "Traceback" not in stderr
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    before = recorded(run)
    assert 1 <= len(before) < 4
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["status"] == "interrupted"
    done = harness("run", "--resume", "--output", "results/r", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    after = recorded(run)
    assert len(after) == 4
    assert {name: after[name] for name in before} == before
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["status"] == "complete"
    assert not [path for path in (run / "cells").iterdir() if path.name.startswith(".")]


@pytest.mark.slow
@pytest.mark.usefixtures("environments")
def test_a_killed_controller_leaves_no_process_behind(tmp_path: Path) -> None:
    run = tmp_path / "results" / "r"
    process = start(tmp_path, "--repeats", "2")
    wait_for_cells(run, 1, process)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate(timeout=60)
    gone, alive = psutil.wait_procs(children, timeout=20)
    assert gone
    assert not alive
    assert not [path for path in run.glob("cells/*/cell.json") if not json.loads(path.read_text(encoding="utf-8"))]


@pytest.mark.slow
@pytest.mark.usefixtures("environments")
def test_a_cell_that_fails_does_not_stop_the_run(tmp_path: Path) -> None:
    """torchtune cannot do eager attention, transformers can."""
    words = ["--frameworks", "torchtune,transformers", "--set", "attention=eager", "--repeats", "1"]
    done = harness(*OPTIONS, *words, folder=tmp_path)
    assert done.returncode == 1
    cells = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))
        for path in (tmp_path / "results" / "r").glob("cells/*/cell.json")
    }
    assert cells["transformers-lora-parity-01"]["outcome"] == "ok"
    assert cells["transformers-lora-parity-01"]["attention"] == "eager"
    failed = cells["torchtune-lora-parity-01"]
    assert failed["outcome"] == "unsupported"
    assert "attention=eager" in failed["reason"]
    assert failed["tokens_per_second"] is None
    report = (tmp_path / "reports" / "r.md").read_text(encoding="utf-8")
    assert "attention=eager" in report
    assert "1 unsupported" in report
