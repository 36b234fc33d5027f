"""Paths as users type them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.files.typed_path import existing, existing_folder, expanded
from harness.job.recipe import Choices, resolve
from harness.prepare.corpus import open_corpus

NO_PATHS = ("9" * 400, "~no-such-user/model", "\x00", "\ud800", "no such file")
"""Names of which no file can be."""


@pytest.mark.parametrize("name", NO_PATHS)
def test_a_name_that_no_file_has_is_not_there(name: str) -> None:
    assert existing(name) is None
    assert existing_folder(name) is None


@pytest.mark.parametrize("name", NO_PATHS)
def test_a_model_or_dataset_of_such_a_name_gets_one_message(name: str, tmp_path: Path) -> None:
    experiment = resolve(Choices(profile="cpu", settings=(f"model={name}", f"dataset={name}")), gpu_present=False)
    with pytest.raises(HarnessError, match="no such file or folder"):
        open_corpus(next(iter(experiment.jobs.values())), tmp_path)


def test_a_file_is_there_and_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.touch()
    assert existing(str(file)) == file
    assert existing_folder(file) is None
    assert existing_folder(tmp_path) == tmp_path


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/models") == tmp_path / "models"
