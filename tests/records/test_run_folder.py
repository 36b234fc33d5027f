from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import RunFolderError
from harness.execute.cell_log import MAX_LOG_BYTES, log_tail
from harness.files.locations import SOURCE_ROOT
from harness.job.recipe import Choices, resolve
from harness.records.run_folder import CellFiles, RunFolder
from tests.records.some_records import some_cell, some_run
from tests.records.test_audited import VERDICT

NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.none() | st.text()


def files(**columns: Any) -> CellFiles:
    return CellFiles(record=some_cell(**columns), job={}, native_config=None, steps=(), log="")


def edit(path: Path, **changed: object) -> None:
    """What another program, or a hand, would have written there; None takes a key away."""
    content = {**json.loads(path.read_text(encoding="utf-8")), **changed}
    kept = {name: value for name, value in content.items() if value is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")


def folder_in(path: Path) -> RunFolder:
    folder = RunFolder(path / "run")
    folder.write_run(some_run(resolve(Choices(profile="cpu"), gpu_present=False)))
    return folder


@given(
    values=st.fixed_dictionaries({"reason": TEXTS, "first_loss": NUMBERS, "device": TEXTS, "final_loss": NUMBERS}),
)
def test_a_record_is_read_as_it_was_written(values: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = folder_in(tmp_path_factory.mktemp("record"))
    folder.write_cell("a", files(**values))
    (record,) = folder.read_records()
    assert {name: getattr(record, name) for name in values} == values


def test_a_cell_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    with pytest.raises(UnicodeEncodeError):
        folder.write_cell("a", dataclasses.replace(files(), log="half a character: \ud800"))
    assert not list(folder.cells.iterdir())
    assert folder.recorded_cells() == frozenset()


def test_a_cell_is_never_written_over(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    folder.write_cell("a", files(reason="first"))
    with pytest.raises(OSError, match="not empty"):
        folder.write_cell("a", files(reason="second"))
    assert folder.read_records()[0].reason == "first"


def test_a_record_that_lacks_its_framework_is_named(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    folder.write_cell("a", files())
    edit(folder.cells / "a" / "cell.json", framework=None)
    with pytest.raises(RunFolderError, match=r"a/cell.json: framework is missing"):
        folder.read_records()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"framework": "megatron"}, r"framework 'megatron': is not one of transformers, unsloth"),
        ({"tokens_per_second": "fast"}, r"tokens_per_second 'fast': input should be a valid number"),
        ({"device": 3}, r"device 3: input should be a valid string"),
        ({"repeat": 1.5}, r"repeat 1\.5: input should be a valid integer"),
        ({"track": "best"}, r"track 'best': input should be 'parity' or 'tuned'"),
    ],
)
def test_a_record_of_another_program_is_named_with_what_is_wrong(
    wrong: dict[str, Any], message: str, tmp_path: Path
) -> None:
    folder = folder_in(tmp_path)
    folder.write_cell("a", files())
    folder.write_cell("b", files())
    edit(folder.cells / "b" / "cell.json", **wrong)
    with pytest.raises(RunFolderError, match=f"b/cell.json: {message}"):
        folder.read_records()
    unreadable: list[str] = []
    assert [record.cell for record in folder.read_records(unreadable)] == ["a"]
    assert len(unreadable) == 1


def test_half_a_cell_is_named(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    folder.write_cell("a", files())
    (folder.cells / "a" / "cell.json").write_text('{"run": "r', encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"cell.json: cannot be read"):
        folder.read_records()


def test_run_json_is_replaced_in_one_move(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    unwritable = folder.read_run().model_copy(update={"command": object()})
    with pytest.raises(ValueError, match="serialize"):
        folder.write_run(unwritable)
    assert folder.read_run().name == "run"
    assert [path.name for path in folder.path.iterdir()] == ["run.json"]


def test_contents_are_the_seals_of_cells_and_audits(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    folder.write_cell("a", files())
    folder.write_audit(VERDICT)
    contents = folder.contents()
    assert list(contents["cells"]) == ["a"]
    assert list(contents["audits"]) == ["unsloth-lora-parity.json"]
    assert all(len(seal) == 64 for kind in contents.values() for seal in kind.values())


def test_an_audit_that_lacks_its_findings_is_named(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    folder.write_audit(VERDICT)
    edit(folder.path / "audits" / "unsloth-lora-parity.json", same_job=None)
    with pytest.raises(RunFolderError, match=r"unsloth-lora-parity.json: same_job is missing"):
        folder.read_audits()


def test_the_end_of_a_long_log_is_kept_without_machine_paths(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"\xff\x00" * MAX_LOG_BYTES + f"{SOURCE_ROOT}/harness broke".encode())
    text = log_tail(log)
    assert len(text) <= MAX_LOG_BYTES
    assert text.endswith("$SOURCE/harness broke")
