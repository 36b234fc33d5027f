"""Whole runs of one real framework: interrupted, resumed, broken in the middle."""

from __future__ import annotations

import dataclasses
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.files.locations import SOURCE_ROOT, cache_root
from harness.job.job import Job
from harness.job.recipe import Choices, resolve
from harness.prepare import prepare
from harness.records.run_folder import CellFiles, RunFolder
from tests.conftest import SMALL, harness
from tests.records.some_records import some_cell, some_run

REFERENCE = SOURCE_ROOT / "results" / "reference-cpu"
OPTIONS = ["run", "--frameworks", "torchtune", "--output", "results/r", *(w for s in SMALL for w in ("--set", s))]


def recorded(run: Path) -> dict[str, int]:
    return {path.parent.name: path.stat().st_mtime_ns for path in run.glob("cells/*/cell.json")}


def heed_signals() -> None:
    """Restore what a child inherits: tests in the background, or under nohup, have these signals ignored."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start(folder: Path, *more: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *OPTIONS, *more],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_signals,  # noqa: PLW1509
    )


def wait_for_cells(run: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 300
    while len(recorded(run)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
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
def test_a_terminal_that_is_closed_is_like_ctrl_c(tmp_path: Path) -> None:
    run = tmp_path / "results" / "r"
    (tmp_path / "scratch").mkdir()
    process = start(tmp_path, "--repeats", "4", TMPDIR=str(tmp_path / "scratch"))
    wait_for_cells(run, 1, process)
    os.killpg(process.pid, signal.SIGHUP)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume --output results/r" in stderr
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["status"] == "interrupted"
    assert list((tmp_path / "scratch").glob("harness-*")) == []


@pytest.mark.slow
@pytest.mark.usefixtures("environments")
def test_a_run_whose_terminal_and_reader_are_gone_goes_on_to_its_end(tmp_path: Path) -> None:
    """As under nohup: SIGHUP is ignored, and every write to the terminal fails."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *OPTIONS, "--repeats", "2"],
        cwd=tmp_path,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),  # noqa: PLW1509
    )
    os.close(terminal)
    deadline = time.monotonic() + 300
    while not recorded(tmp_path / "results" / "r"):
        assert time.monotonic() < deadline
        # A terminal that nobody reads fills up.
        os.read(controller, 65536)
    os.close(controller)
    assert process.wait(300) == 0
    assert json.loads((tmp_path / "results" / "r" / "run.json").read_text(encoding="utf-8"))["status"] == "complete"
    assert (tmp_path / "reports" / "r.md").is_file()


def test_a_reader_that_has_seen_enough_changes_no_exit_status(tmp_path: Path) -> None:
    command = f"{sys.executable} -m harness report {REFERENCE} --terminal | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


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
    folder = RunFolder(run)
    cells = [path.name for path in folder.cells.iterdir() if not path.name.startswith(".")]
    assert set(cells) == folder.recorded_cells()
    assert [name for name in cells if folder.edited_files(name)] == []
    assert {record.cell for record in folder.read_records()} == set(cells)


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


def offline(tmp_path: Path) -> dict[str, str]:
    """A machine whose caches are empty and whose registry does not answer."""
    return {"HARNESS_CACHE": str(tmp_path / "cache"), "UV_CACHE_DIR": str(tmp_path / "uv"), "UV_OFFLINE": "1"}


def test_without_any_network_or_cache_one_message_says_what_is_missing(tmp_path: Path) -> None:
    done = harness(*OPTIONS, folder=tmp_path, **offline(tmp_path))
    assert done.returncode == 2
    assert "the tokenizer is not in the cache, the hub does not answer" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


def test_an_environment_that_cannot_be_built_makes_its_cells_unavailable(tmp_path: Path, small_job: Job) -> None:
    prepare(small_job, cache_root())
    (tmp_path / "cache").mkdir()
    for kind in ("tokenizers", "models"):
        (tmp_path / "cache" / kind).symlink_to(cache_root() / kind)
    done = harness(*OPTIONS, "--repeats", "1", folder=tmp_path, **offline(tmp_path))
    assert done.returncode == 1, done.stderr
    (cell,) = (tmp_path / "results" / "r").glob("cells/*/cell.json")
    record = json.loads(cell.read_text(encoding="utf-8"))
    assert record["outcome"] == "unavailable"
    assert "torchtune: its environment could not be built" in record["reason"]
    assert "unavailable" in (tmp_path / "reports" / "r.md").read_text(encoding="utf-8")


def test_a_cache_that_cannot_be_written_is_told_with_the_variable_that_chooses_another(tmp_path: Path) -> None:
    """A real file system that is only read, where the machine lets us make one."""
    cache = tmp_path / "cache"
    cache.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(cache)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        done = harness(*OPTIONS, folder=tmp_path, HARNESS_CACHE=str(cache))
    finally:
        subprocess.run(["umount", str(cache)], check=True)
    assert done.returncode == 2
    assert "Read-only file system; HARNESS_CACHE=DIR chooses another folder for the cache" in done.stderr
    assert not (tmp_path / "results").exists()


def test_a_full_disk_is_one_message_and_the_finished_cells_are_kept(tmp_path: Path) -> None:
    """A real file system of one megabyte, where the machine lets us make one."""
    small = tmp_path / "small"
    small.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        folder = RunFolder(small / "run")
        folder.write_run(some_run(resolve(Choices(profile="cpu"), gpu_present=False)))
        files = CellFiles(record=some_cell(), job={}, native_config=None, steps=(), log="short")
        folder.write_cell("a", files)
        with pytest.raises(OSError, match=r"No space left.*/cells/b'"):
            folder.write_cell("b", dataclasses.replace(files, log="long " * 400_000))
        assert folder.recorded_cells() == {"a"}
        assert [path.name for path in folder.cells.iterdir()] == ["a"]
        full = small / "fill"
        full.write_bytes(b"0" * (900 * 1024))
        done = harness("export", str(folder.path), "--output", str(small / "out.json"), folder=tmp_path)
        assert done.returncode in (0, 2)
        assert "Traceback" not in done.stderr
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.slow
@pytest.mark.usefixtures("environments")
def test_a_run_ends_in_time_with_whole_rounds_and_goes_on_later(tmp_path: Path) -> None:
    run = tmp_path / "results" / "r"
    done = harness(*OPTIONS, "--repeats", "200", "--within", "45", "--no-audit", folder=tmp_path)
    assert done.returncode == 75, done.stdout + done.stderr
    assert "would not end within 45 s" in done.stderr
    assert "--resume --output results/r" in done.stderr
    assert recorded(run)
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["status"] == "interrupted"


@pytest.mark.slow
@pytest.mark.usefixtures("environments")
def test_an_interrupted_audit_prints_what_has_ended(tmp_path: Path) -> None:
    options = ["audit", "--frameworks", "transformers,torchtune", "--methods", "lora", "--profile", "cpu"]
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *options, *(w for s in SMALL for w in ("--set", s))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stdout is not None
    heard = []
    for line in process.stdout:
        heard.append(line)
        if "audit, transformers lora: the same job" in line:
            os.killpg(process.pid, signal.SIGINT)
            break
    rest, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "1 of 2 audits had ended" in stderr
    assert "transformers" in rest
    assert "Traceback" not in stderr
