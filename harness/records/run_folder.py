"""results/<run>/ on disk: each part is written whole or not at all, and is readable without this program.

run.json                      what was asked, on what, with which inputs and versions, and which cells and audits it has
cells/<cell>/cell.json        one flat record (CellRecord), ready for any tool
             job.json         the job, every knob
             native_config.json   the job in the framework's own words
             steps.jsonl      one line per optimizer step
             log.txt          what the framework printed (its last megabyte)
             seal.json        sha256 of each of these files: shows whether one was edited afterwards
audits/<framework>-<method>-<track>.json   the audit's verdict, every finding: asked and got

run.json and each audit hold their own seal, and the finished run.json those of all others.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from harness.audit.verdict import Verdict
from harness.errors import RunFolderError
from harness.files.atomic import write_atomically
from harness.files.json_files import finite, parsed
from harness.files.machine_paths import without_machine_paths
from harness.files.seal import SEAL, edited_files, hashes_of, is_sealed, seal_of, sealed
from harness.job.job import Job
from harness.measure.steps import Step
from harness.records.cell_record import CellRecord
from harness.records.reading import RUN, read_record, read_verdict, readable, validated
from harness.records.run_record import Contents, RunRecord

SCHEMA_VERSION = 1
EDITED = "not as it was recorded (edited, cut or removed afterwards)"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class CellFiles:
    """Everything that is written about one cell."""

    record: CellRecord
    job: Mapping[str, Any]
    native_config: Mapping[str, Any] | None
    steps: tuple[Step, ...]
    log: str


class RunFolder:
    """One run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def cells(self) -> Path:
        """The folder of the cells' folders."""
        return self.path / "cells"

    def exists(self) -> bool:
        """True if a run has been recorded here."""
        return (self.path / "run.json").is_file()

    def read_run(self) -> RunRecord:
        """Return what run.json says. Raises RunFolderError if it is missing or not this program's."""
        path = self.path / "run.json"
        try:
            run = parsed(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise RunFolderError(f"{self.path}: has no run.json, so it is not a results folder") from error
        except (OSError, ValueError) as error:
            raise RunFolderError(f"{path}: cannot be read ({error})") from error
        if not isinstance(run, dict) or run.get("schema_version") != SCHEMA_VERSION:
            found = run.get("schema_version") if isinstance(run, dict) else None
            raise RunFolderError(f"{path}: schema_version = {found}: this version reads {SCHEMA_VERSION}")
        return validated(RUN, {**run, "is_sealed": is_sealed(run)}, path)

    def write_run(self, run: RunRecord) -> None:
        """Replace run.json in one move."""
        self.path.mkdir(parents=True, exist_ok=True)
        content = finite({"schema_version": SCHEMA_VERSION, **run.as_recorded()})
        write_atomically(self.path / "run.json", _json(sealed(content), indent=2))

    def contents(self) -> Contents:
        """Return the seals of all cells and audits, by name. Raises RunFolderError."""
        return {
            "cells": {name: seal_of(self.cells / name) for name in sorted(self.recorded_cells())},
            "audits": {path.name: read_verdict(path).seal for path in self._audit_files()},
        }

    def recorded_cells(self) -> frozenset[str]:
        """Return the names of the cells on disk."""
        return frozenset(path.parent.name for path in self._cell_files())

    def write_cell(self, name: str, files: CellFiles) -> None:
        """Write a cell's folder beside its place and move it there in one step."""
        self.cells.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=self.cells, prefix=f".{name}."))
        try:
            making.chmod(0o755)
            (making / "job.json").write_text(_json(files.job, indent=2), encoding="utf-8")
            if files.native_config is not None:
                text = without_machine_paths(_json(files.native_config, indent=2))
                (making / "native_config.json").write_text(text, encoding="utf-8")
            lines = "".join(_json(dataclasses.asdict(step)) for step in files.steps)
            (making / "steps.jsonl").write_text(lines, encoding="utf-8")
            (making / "log.txt").write_text(files.log, encoding="utf-8")
            (making / "cell.json").write_text(_json(files.record.as_recorded(), indent=2), encoding="utf-8")
            (making / SEAL).write_text(_json(hashes_of(making), indent=2), encoding="utf-8")
            os.rename(making, self.cells / name)
        except BaseException as error:
            shutil.rmtree(making, ignore_errors=True)
            if isinstance(error, OSError) and error.filename is None:
                error.filename = str(self.cells / name)
            raise

    @property
    def name(self) -> str:
        """The folder's present name, which may differ from its first one.

        A file system accepts names that are no text; here they are replaced by names that every output can write.
        """
        return os.fsencode(self.absolute_path.name).decode("utf-8", "replace")

    @property
    def absolute_path(self) -> Path:
        """The path without dots. Links are not followed: results/ may link to a larger disk."""
        return Path(os.path.abspath(self.path))  # noqa: PTH100

    @property
    def aside(self) -> Path:
        """The folder for cells that no longer count."""
        return self.path / "aside"

    def set_aside(self, cell: str) -> None:
        """Move a cell's folder to where nothing reads it, so that the cell can run again."""
        self.aside.mkdir(exist_ok=True)
        number = 1 + sum(path.name.startswith(f"{cell}.") for path in self.aside.iterdir())
        os.rename(self.cells / cell, self.aside / f"{cell}.{number}")

    def read_records(self, unreadable: list[str] | None = None) -> list[CellRecord]:
        """Return the records of all cells, by name.

        What cannot be read is named in `unreadable` and left out. Without that list this raises RunFolderError.
        """
        return [record for path in self._cell_files() if (record := readable(read_record, path, unreadable))]

    def _cell_files(self) -> list[Path]:
        """Return each recorded cell's cell.json. A name with a dot is a cell that a killed process was writing."""
        return sorted(path for path in self.cells.glob("*/cell.json") if not path.parent.name.startswith("."))

    def edited_files(self, cell: str) -> list[str]:
        """Return the names of a cell's files that differ from its seal; the seal's name if it is missing."""
        return edited_files(self.cells / cell)

    def read_steps(self, cell: str) -> list[dict[str, Any]]:
        """Return a cell's optimizer steps, as far as they can be read."""
        steps: list[dict[str, Any]] = []
        with contextlib.suppress(OSError, ValueError):
            lines = (self.cells / cell / "steps.jsonl").read_bytes().splitlines()
            try:
                # All at once, by a parser that is three times as fast as json.
                steps = from_json(b"[" + b",".join(lines) + b"]", cache_strings="keys")
            except ValueError:
                steps.extend(from_json(line) for line in lines)
        return [step for step in steps if isinstance(step, dict)]

    def read_job(self, cell: str) -> Job:
        """Return the job of a cell. Raises ValueError or TypeError if the file is none."""
        return _job_of((self.cells / cell / "job.json").read_text(encoding="utf-8"))

    def write_audit(self, verdict: Verdict) -> None:
        """Write an audit's verdict in one move."""
        name = f"{verdict.framework}-{verdict.method}-{verdict.track}.json"
        write_atomically(self.path / "audits" / name, _json(sealed(finite(verdict.as_dict())), indent=2))

    def read_audits(self, unreadable: list[str] | None = None) -> list[Verdict]:
        """Return the verdicts of all audits, by name. An edited audit finds no job the same.

        What cannot be read is named in `unreadable` and left out. Without that list this raises RunFolderError.
        """
        run = self.read_run() if self.exists() else None
        seals = run.contents.get("audits", {}) if run is not None and run.is_complete else None
        verdicts = []
        for path in self._audit_files():
            if (read := readable(read_verdict, path, unreadable)) is None:
                continue
            verdict = read.verdict
            if not read.is_sealed or (seals is not None and seals.get(path.name) != read.seal):
                reasons = (f"audits/{path.name}: {EDITED}",)
                verdict = dataclasses.replace(verdict, same_job="no", reasons=reasons, reference_losses=())
            verdicts.append(verdict)
        return verdicts

    def _audit_files(self) -> list[Path]:
        return sorted((self.path / "audits").glob("[!.]*.json"))

    def read_log(self, cell: str, most_bytes: int) -> str:
        """Return the end of what a cell's framework printed; empty if there is nothing."""
        try:
            with (self.cells / cell / "log.txt").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - most_bytes))
                return file.read().decode("utf-8", errors="replace")
        except OSError:
            return ""

    def read_native_config(self, cell: str) -> dict[str, Any] | None:
        """Return the framework's config of a cell, with `options` and `command`; None if there is none to read."""
        path = self.cells / cell / "native_config.json"
        with contextlib.suppress(OSError, ValueError):
            config = parsed(path.read_text(encoding="utf-8"))
            if isinstance(config, dict) and isinstance(config.get("options"), dict) and config.get("command"):
                return config
        return None


def runs_in(results: Path) -> list[RunFolder]:
    """Return the recorded runs below a folder, oldest first."""
    found = [RunFolder(path.parent) for path in results.glob("*/run.json")]
    return sorted(found, key=lambda folder: (folder.path / "run.json").stat().st_mtime)


@functools.lru_cache(maxsize=64)
def _job_of(text: str) -> Job:
    """Cells share few jobs, so each is parsed once."""
    return Job.from_dict(json.loads(text))


def _json(value: object, indent: int | None = None) -> str:
    return json.dumps(finite(value), indent=indent, allow_nan=False) + "\n"
