"""What `show` prints runs by the framework's own command, without the harness."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.execute.worker_variables import QUIET_AND_OFFLINE
from harness.job.frameworks import FRAMEWORKS
from tests.conftest import SMALL, harness

FIRST_LOSS_AS_TOLD = {
    "transformers": "12.03",
    "unsloth": "12.03",
    # It prints only its progress.
    "axolotl": "4/4",
    "torchtune": "12.0251",
    "llamafactory": "12.03",
}
"""The small job's first loss is 12.025198; each framework prints it in its own way."""


@pytest.mark.slow
@pytest.mark.usefixtures("environments")
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_shown_config_trains_with_the_frameworks_own_command(framework: str, tmp_path: Path) -> None:
    settings = [word for setting in SMALL for word in ("--set", setting)]
    done = harness("show", "--framework", framework, "--profile", "cpu", *settings, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    advice = done.stderr.splitlines()
    filename, command = advice[0].split()[3], advice[1].removeprefix("# ")
    (tmp_path / filename).write_text(done.stdout, encoding="utf-8")
    environment = {**os.environ, **QUIET_AND_OFFLINE, "OMP_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": ""}
    ran = subprocess.run(
        command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=400, check=False
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    printed = ran.stdout + ran.stderr + "".join(path.read_text() for path in (tmp_path / "output").glob("*.txt"))
    assert FIRST_LOSS_AS_TOLD[framework] in printed
