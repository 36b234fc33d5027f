from __future__ import annotations

from pathlib import Path

import pytest

from harness.environment.environment import Environment
from harness.environment.install_time import install_seconds
from harness.errors import EnvironmentBuildError
from harness.files.locations import SCRATCH_PREFIX


def test_a_built_environment_is_installed_again_without_downloads_and_nothing_is_left(
    environments: dict[str, Environment],
) -> None:
    beside = environments["transformers"].path.parent
    before = set(beside.glob(f"{SCRATCH_PREFIX}*"))
    assert 0 < install_seconds(environments["transformers"]) < 600
    assert set(beside.glob(f"{SCRATCH_PREFIX}*")) == before


def test_without_the_downloads_there_is_no_figure(
    environments: dict[str, Environment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    with pytest.raises(EnvironmentBuildError, match="could not be built"):
        install_seconds(environments["transformers"])
