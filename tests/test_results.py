"""A results folder that is no longer what was recorded never gives a figure."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.record import RunFolder
from harness.results import read_cells

CELL = "transformers-lora-parity-01"


@pytest.fixture
def run(comparison: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(comparison, tmp_path / "run"))


def cell_of(run: Path) -> dict[str, object]:
    return next(cell for cell in read_cells(RunFolder(run)) if cell["cell"] == CELL)


def test_an_untouched_folder_is_sound(run: Path) -> None:
    assert {cell["outcome"] for cell in read_cells(RunFolder(run))} == {"ok"}


def faster(folder: Path) -> None:
    path = folder / "cell.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, "tokens_per_second": 9e9}), encoding="utf-8")


def truncated(folder: Path) -> None:
    path = folder / "steps.jsonl"
    path.write_text(path.read_text(encoding="utf-8")[:-40], encoding="utf-8")


def emptied(folder: Path) -> None:
    (folder / "steps.jsonl").write_text("", encoding="utf-8")


def removed(folder: Path) -> None:
    (folder / "steps.jsonl").unlink()


def unsealed(folder: Path) -> None:
    (folder / "seal.json").unlink()


def other_job(folder: Path) -> None:
    path = folder / "job.json"
    path.write_text(path.read_text(encoding="utf-8").replace("16", "8"), encoding="utf-8")


@pytest.mark.parametrize("harm", [faster, truncated, emptied, removed, unsealed, other_job])
def test_an_edited_cell_is_flagged_and_gives_no_figure(run: Path, harm: Callable[[Path], None]) -> None:
    harm(run / "cells" / CELL)
    cell = cell_of(run)
    assert cell["outcome"] == "invalid"
    assert "not as it was recorded" in str(cell["reason"])
    assert cell["tokens_per_second"] is None


def change_steps(folder: Path, change: Callable[[dict[str, object]], None]) -> None:
    path = folder / "steps.jsonl"
    steps = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for step in steps:
        change(step)
    path.write_text("".join(json.dumps(step) + "\n" for step in steps), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda step: step.update(seconds=-1.0), "took -1.0 s"),
        (lambda step: step.update(seconds=float("nan")), "took nan s"),
        (lambda step: step.update(loss=float("nan")), "is nan"),
        (lambda step: step.update(loss=None), "no loss"),
        (lambda step: step.update(seconds=1e-3), "its steps give"),
        (lambda step: step.pop("seconds"), "cannot be understood"),
    ],
)
def test_steps_that_cannot_be_are_invalid_even_under_a_new_seal(
    run: Path, change: Callable[[dict[str, object]], None], words: str
) -> None:
    folder = run / "cells" / CELL
    change_steps(folder, change)
    sealed = json.loads((folder / "seal.json").read_text(encoding="utf-8"))
    sealed["steps.jsonl"] = hashlib.sha256((folder / "steps.jsonl").read_bytes()).hexdigest()
    (folder / "seal.json").write_text(json.dumps(sealed), encoding="utf-8")
    cell = cell_of(run)
    assert cell["outcome"] == "invalid"
    assert words in str(cell["reason"])
