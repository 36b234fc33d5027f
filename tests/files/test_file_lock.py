from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import RunFolderError
from harness.files.file_lock import Locked, locked
from harness.records.run_folder import RunFolder
from harness.run.resume import only_writer

HOLD = """
import sys
from pathlib import Path
from harness.files.file_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
NO_LOCKS = """
#include <errno.h>
int flock(int descriptor, int operation) { (void)descriptor; (void)operation; errno = %s; return -1; }
"""


def holder(path: Path) -> subprocess.Popen[bytes]:
    """Another process that holds a file or folder until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_run_s_folder_has_one_writer_whatever_the_cache_is(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "results" / "run")
    folder.path.mkdir(parents=True)
    process = holder(folder.path)
    with pytest.raises(RunFolderError, match="another process is writing this run"), only_writer(folder):
        raise AssertionError("held twice")
    process.kill()
    process.wait()
    with only_writer(folder):
        pass


def test_a_folder_in_which_nothing_was_written_is_gone_again(tmp_path: Path) -> None:
    with only_writer(RunFolder(tmp_path / "results" / "run")):
        assert (tmp_path / "results" / "run").is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_another_process_holds_is_waited_for_or_told(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    process = holder(path)
    with pytest.raises(Locked), locked(path, wait=False):
        raise AssertionError("held twice")
    process.kill()
    process.wait()
    with locked(path):
        assert path.is_file()


@pytest.mark.parametrize("answer", ["ENOLCK", "EOPNOTSUPP", "ENOSYS"])
def test_a_file_system_without_locks_is_told_and_no_traceback(tmp_path: Path, answer: str) -> None:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("there is no C compiler to take the locks away with")
    source, library = tmp_path / "no_locks.c", tmp_path / "no_locks.so"
    source.write_text(NO_LOCKS % answer, encoding="ascii")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    variables = {**os.environ, "LD_PRELOAD": str(library)}
    done = subprocess.run(command, env=variables, input="", capture_output=True, text=True, check=True)
    assert done.stdout == "held\n"
    assert "its file system knows no locks; let no second process write there meanwhile" in done.stderr
