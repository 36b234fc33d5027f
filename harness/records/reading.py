"""A file of a run's folder -> a checked value, or one message that says what is wrong with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from harness.audit.verdict import Verdict
from harness.errors import RunFolderError
from harness.files.json_files import parsed
from harness.files.seal import FIELD, is_sealed
from harness.files.yaml_files import first_problem
from harness.job.frameworks import TRAINERS
from harness.records.cell_record import RECORDED_COLUMNS, CellRecord
from harness.records.run_record import RunRecord

ADVICE_ON_CELL, ADVICE_ON_AUDIT = "; remove its folder and --resume", "; remove it and --resume"
CELL, RUN, VERDICT = pydantic.TypeAdapter(CellRecord), pydantic.TypeAdapter(RunRecord), pydantic.TypeAdapter(Verdict)
Content = TypeVar("Content")
OfFramework = TypeVar("OfFramework", CellRecord, Verdict)


def readable(read: Callable[[Path], Content], path: Path, unreadable: list[str] | None) -> Content | None:
    """Return what a file holds; None if it is unreadable and there is a list for its name."""
    try:
        return read(path)
    except RunFolderError as error:
        if unreadable is None:
            raise
        unreadable.append(str(error))
        return None


def read_record(path: Path) -> CellRecord:
    """Return a cell.json. Raises RunFolderError."""
    content = _content_of(path, ADVICE_ON_CELL)
    if isinstance(content, dict):
        content = {name: value for name, value in content.items() if name in RECORDED_COLUMNS}
        # Results from before the tuned track lack this column.
        content |= {
            "cell": path.parent.name,
            "compared_sha256": content.get("compared_sha256") or content.get("job_sha256"),
        }
    return _validated_result(CELL, content, path, ADVICE_ON_CELL)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ReadVerdict:
    """An audit's verdict as its file has it."""

    verdict: Verdict
    seal: str
    is_sealed: bool


def read_verdict(path: Path) -> ReadVerdict:
    """Return an audit's verdict. Raises RunFolderError."""
    content = _content_of(path, ADVICE_ON_AUDIT)
    verdict = _validated_result(VERDICT, content, path, ADVICE_ON_AUDIT)
    return ReadVerdict(verdict=verdict, seal=str(content.get(FIELD, "")), is_sealed=is_sealed(content))


def validated(kind: pydantic.TypeAdapter[Content], content: object, path: Path, advice: str = "") -> Content:
    """Return what a file holds, as a value. Raises RunFolderError with what is wrong."""
    if not isinstance(content, dict):
        raise RunFolderError(f"{path}: must be a mapping, not {type(content).__name__}{advice}")
    try:
        return kind.validate_python(content)
    except pydantic.ValidationError as error:
        raise RunFolderError(f"{path}: {' '.join(first_problem(error))}{advice}") from error


def _content_of(path: Path, advice: str) -> Any:
    """Return the JSON in a file. Raises RunFolderError."""
    try:
        return parsed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be read ({error}){advice}") from error


def _validated_result(kind: pydantic.TypeAdapter[OfFramework], content: object, path: Path, advice: str) -> OfFramework:
    """Return a framework's record or verdict. Raises RunFolderError, also for an unknown framework."""
    value = validated(kind, content, path, advice)
    if value.framework not in TRAINERS:
        problem = f"framework {value.framework!r}: is not one of {', '.join(TRAINERS)}"
        raise RunFolderError(f"{path}: {problem}{advice}")
    return value
