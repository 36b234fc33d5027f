"""A folder to run on another machine, and what comes back from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pydantic

from harness.errors import RunFolderError
from harness.files.atomic import write_atomically
from harness.job.frameworks import FRAMEWORKS
from harness.prepare.tokenizer import DOCUMENT_END
from harness.records.deployments import BoardMeasurement, DeploymentRecord, Deployments
from harness.studies.deploy.board import Board, projected
from harness.studies.deploy.kept_files import OLLAMA_FILE, gguf_name, kept_folder
from harness.studies.deploy.modelfile import MODELFILE_CONTEXT, modelfile_of

SCRIPT, EXPECTED = "measure.py", "expected.json"
OUR_SCRIPT = Path(__file__).with_name("measure_on_board.py")
MEASUREMENTS = pydantic.TypeAdapter(list[BoardMeasurement])
ORDER = {"qlora": 0, "lora": 1, "full": 2}
"""The original report's stack trains by QLoRA, so its result goes first."""


def chosen_result(
    found: Deployments, frameworks: Sequence[str], methods: Sequence[str], formats: Sequence[str]
) -> DeploymentRecord:
    """Return the first result that has all formats: QLoRA's before the others'. Raises RunFolderError if none has."""
    fitting = [
        record
        for record in found.results
        if record.framework in frameworks
        and record.method in methods
        and all(record.file(name) is not None for name in formats)
    ]
    if not fitting:
        held = ", ".join(f"{one.title} ({', '.join(file.quantization for file in one.files)})" for one in found.results)
        raise RunFolderError(f"no such result was taken to {', '.join(formats)}; deployment.json has {held or 'none'}")
    return min(fitting, key=lambda record: (ORDER[record.method], FRAMEWORKS.index(record.framework)))


def write_for_board(
    found: Deployments, record: DeploymentRecord, formats: Sequence[str], board: Board, cache: Path, folder: Path
) -> None:
    """Write the files of a result with a script and the figures to expect. Raises RunFolderError; leaves no half."""
    kept = kept_folder(record, cache)
    paths = {name: kept / gguf_name(name) for name in formats}
    if missing := [name for name, path in paths.items() if not path.is_file()]:
        raise RunFolderError(
            f"{record.title}: its {', '.join(missing)} was not kept (--no-keep, or another machine's cache); "
            "run `harness deploy` again here, without --no-keep"
        )
    if folder.exists() and any(folder.iterdir()):
        raise RunFolderError(f"{folder}: is not empty; name a new folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths.values():
            shutil.copyfile(path, folder / path.name)
        shutil.copyfile(OUR_SCRIPT, folder / SCRIPT)
        (folder / EXPECTED).write_text(json.dumps(_expected(found, record, formats, board), indent=1), encoding="utf-8")
        smallest = min(paths.values(), key=lambda path: path.stat().st_size)
        text = modelfile_of(smallest.name, context=MODELFILE_CONTEXT, end=DOCUMENT_END)
        write_atomically(folder / OLLAMA_FILE, text)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def read_measured(path: Path, found: Deployments) -> list[BoardMeasurement]:
    """Return what the script wrote. Raises RunFolderError if it is not that, or about files of another run."""
    try:
        measured = MEASUREMENTS.validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise RunFolderError(f"{path}: no such file; {SCRIPT} of `harness deploy --on-pi` writes it") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RunFolderError(
            f"{path}: {place}: {first['msg']}; {SCRIPT} writes it, and it is taken as it is"
        ) from error
    known = {file.sha256 for record in found.results for file in record.files}
    foreign = [one.quantization for one in measured if one.sha256 not in known]
    if foreign or not measured:
        problem = f"its {', '.join(foreign)} is no file of this run (sha256)" if foreign else "holds no measurement"
        raise RunFolderError(f"{path}: {problem}")
    return measured


def _expected(
    found: Deployments, record: DeploymentRecord, formats: Sequence[str], board: Board
) -> dict[str, dict[str, float | str]]:
    """Return each file's projected tokens per second, the most that memory lets through, and the bandwidth behind."""
    expected: dict[str, dict[str, float | str]] = {}
    for name in formats:
        file = record.file(name)
        assert file is not None
        projection = projected(record, file, found.read_bytes_per_second, board)
        if projection is not None:
            expected[gguf_name(name)] = {
                "tokens_per_second": round(projection.tokens_per_second.value, 1),
                "most_tokens_per_second": round(projection.bound, 1),
                "board": board.name,
                "bandwidth": board.source,
            }
    return expected
