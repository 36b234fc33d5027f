"""Real environments from small locks, built by the real uv from the registry."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.environment.build import build_environments
from harness.environment.environment import Environment, Progress
from harness.errors import EnvironmentBuildError


@pytest.fixture
def adapters(tmp_path: Path) -> Path:
    for framework, pins in {"good": "six==1.16.0\n", "bad": "six==0.0.0.1\n"}.items():
        folder = tmp_path / "adapters" / framework
        folder.mkdir(parents=True)
        (folder / "requirements.lock").write_text(pins, encoding="utf-8")
        (folder / "overrides.txt").write_text("", encoding="utf-8")
    return tmp_path / "adapters"


def build(adapters: Path, cache: Path) -> tuple[dict[str, Environment | EnvironmentBuildError], list[Progress]]:
    progress: list[Progress] = []
    built = build_environments(
        ["bad", "good"], torch_backend="default", cache=cache, progress=progress.append, adapters=adapters
    )
    return built, progress


def test_one_that_fails_says_why_and_stops_no_other(adapters: Path, empty_cache: Path) -> None:
    built, progress = build(adapters, empty_cache)
    bad, good = built["bad"], built["good"]
    assert isinstance(bad, EnvironmentBuildError)
    assert "six==0.0.0.1" in str(bad)
    assert "\n" not in str(bad)
    assert isinstance(good, Environment)
    command = [str(good.python), "-c", "import six; print(six.__version__)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1.16.0\n"
    assert {(step.framework, step.stage) for step in progress} >= {("bad", "failed"), ("good", "built")}
    assert not [path for path in (empty_cache / "environments").iterdir() if path.is_dir() and "bad" in path.name]


def test_done_again_it_builds_nothing_and_a_changed_lock_rebuilds_only_its_own(
    adapters: Path, empty_cache: Path
) -> None:
    (adapters / "bad" / "requirements.lock").write_text("six==1.15.0\n", encoding="utf-8")
    first, _ = build(adapters, empty_cache)
    again, progress = build(adapters, empty_cache)
    assert again == first
    assert {step.stage for step in progress} == {"found"}
    (adapters / "bad" / "requirements.lock").write_text("six==1.17.0\n", encoding="utf-8")
    changed, progress = build(adapters, empty_cache)
    assert changed["good"] == first["good"]
    assert changed["bad"] != first["bad"]
    assert {(step.framework, step.stage) for step in progress} == {
        ("good", "found"),
        ("bad", "building"),
        ("bad", "built"),
    }


def test_an_environment_that_was_not_finished_is_built_anew(adapters: Path, empty_cache: Path) -> None:
    good = build(adapters, empty_cache)[0]["good"]
    assert isinstance(good, Environment)
    (good.path / "ready.json").unlink()
    _, progress = build(adapters, empty_cache)
    assert ("good", "built") in {(step.framework, step.stage) for step in progress}
