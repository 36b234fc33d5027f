"""The installed wheel: it owns one import name, and does the job beside a registry package named `adapters`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.environment.environment import Environment
from harness.environment.uv import uv_command, uv_environment
from harness.execute.worker_variables import QUIET_AND_OFFLINE
from harness.files.locations import SOURCE_ROOT
from tests.conftest import SMALL

SETTINGS = [word for setting in SMALL for word in ("--set", setting)]
WHERE = """
import importlib.util, pathlib, harness, sys
harness.load_results
from harness.job.frameworks import FRAMEWORKS, load_adapter
names = [type(load_adapter(name)).__module__ for name in FRAMEWORKS]
assert all(name.startswith("harness.adapters.") for name in names), names
assert "adapters" not in sys.modules
print(importlib.util.find_spec("adapters").origin)
print(importlib.util.find_spec("recipes"))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with the wheel, what it depends on, and the registry's package `adapters`."""
    place = tmp_path_factory.mktemp("wheel")
    made = subprocess.run(
        [*uv_command(), "build", "--wheel", "--out-dir", str(place), str(SOURCE_ROOT)],
        env=uv_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    (wheel,) = place.glob("*.whl")
    environment = place / "environment"
    subprocess.run([*uv_command(), "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [*uv_command(), "pip", "install", "--quiet", "--python", str(python)]
    for words in ([str(wheel)], ["--no-deps", "adapters"]):
        done = subprocess.run([*install, *words], env=uv_environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return python


def in_wheel(python: Path, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command that the environment's Python has run in `folder`."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([str(python), *words], cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.slow
def test_the_wheel_owns_one_import_name(python: Path, tmp_path: Path) -> None:
    origin, recipes = in_wheel(python, "-c", WHERE, folder=tmp_path).stdout.splitlines()
    assert Path(origin).parent.name == "adapters"
    assert Path(origin).parent.parent.name == "site-packages"
    assert recipes == "None"
    packages = {path.name for path in Path(origin).parent.parent.iterdir()}
    assert not {"tests", "scripts", "reports"} & packages


@pytest.mark.slow
def test_the_wheel_runs_the_job_in_an_empty_folder(
    python: Path, environments: dict[str, Environment], tmp_path: Path
) -> None:
    words = ["--frameworks", "all", "--profile", "cpu", "--methods", "lora", "--repeats", "1", "--output", "results/w"]
    in_wheel(python, "-m", "harness", "run", *words, *SETTINGS, folder=tmp_path)
    report = (tmp_path / "reports" / "w.md").read_text(encoding="utf-8")
    assert all(f"| {name} " in report for name in environments)
    assert str(python.parent.parent) not in report


@pytest.mark.slow
def test_what_the_wheel_shows_of_torchtune_runs_by_torchtune_s_own_command(
    python: Path, environments: dict[str, Environment], tmp_path: Path
) -> None:
    words = ["show", "--framework", "torchtune", "--profile", "cpu", *SETTINGS]
    shown = in_wheel(python, "-m", "harness", *words, folder=tmp_path)
    (tmp_path / "torchtune.yaml").write_text(shown.stdout, encoding="utf-8")
    (command,) = (line.removeprefix("# ") for line in shown.stderr.splitlines() if "tune run" in line)
    assert environments["torchtune"].path.name in command
    variables = {**os.environ, **QUIET_AND_OFFLINE, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
