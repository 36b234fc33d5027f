from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from harness.files.cache import cached_folder

SPAWN = multiprocessing.get_context("spawn")


def make_slowly(root: Path, log: Path) -> None:
    def make(folder: Path) -> None:
        with log.open("a") as file:
            file.write("made\n")
        (folder / "half").write_text("1")
        time.sleep(0.5)
        (folder / "whole").write_text("2")

    cached_folder(root, "things", {"key": 1}, make)


def test_two_processes_that_start_at_once_make_it_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    makers = [SPAWN.Process(target=make_slowly, args=(tmp_path, log)) for _ in range(2)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert [maker.exitcode for maker in makers] == [0, 0]
    assert log.read_text() == "made\n"


def test_a_killed_maker_leaves_nothing_that_is_taken_for_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    maker = SPAWN.Process(target=make_slowly, args=(tmp_path, log))
    maker.start()
    while not log.exists():
        time.sleep(0.01)
    assert maker.pid is not None
    os.kill(maker.pid, signal.SIGKILL)
    maker.join()
    make_slowly(tmp_path, log)
    folders = [path for path in (tmp_path / "things").iterdir() if path.is_dir()]
    assert [sorted(path.name for path in folder.iterdir()) for folder in folders] == [["half", "key.json", "whole"]]


def test_a_maker_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "half").write_text("1")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        cached_folder(tmp_path, "things", {"key": 1}, make)
    assert not [path for path in (tmp_path / "things").iterdir() if path.is_dir()]


def test_another_key_is_another_folder(tmp_path: Path) -> None:
    first = cached_folder(tmp_path, "things", {"key": 1}, lambda folder: None)
    assert cached_folder(tmp_path, "things", {"key": 2}, lambda folder: None) != first
    assert cached_folder(tmp_path, "things", {"key": 1}, lambda folder: pytest.fail("made again")) == first
