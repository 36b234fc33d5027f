"""This program's JSON files: read them as checked values, or raise one message that says what is wrong."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from harness.errors import RunFolderError
from harness.files.atomic import write_atomically

HALF_OF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


class Content(pydantic.BaseModel):
    """The whole of such a file. A subclass says its version and kind."""

    model_config = pydantic.ConfigDict(extra="forbid")

    schema_version: int


Model = TypeVar("Model", bound=Content)


def read_content(path: Path, model: type[Model], schema_version: int) -> Model | None:
    """Return what a file holds; None if there is none. Raises RunFolderError if it is not this program's."""
    try:
        content = model.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, pydantic.ValidationError) as error:
        raise RunFolderError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]})") from error
    if content.schema_version != schema_version:
        problem = f"schema_version = {content.schema_version}: this version reads {schema_version}"
        raise RunFolderError(f"{path}: {problem}")
    return content


def parsed(text: str) -> Any:
    """Return JSON as values that every output can hold. Raises ValueError.

    JSON can name half of a surrogate pair. That is no character, and no UTF-8 file can hold it.
    """
    value = json.loads(text)
    return _whole(value) if HALF_OF_A_PAIR.search(text) else value


def finite(value: Any) -> Any:
    """Return the value with None for numbers that JSON lacks, like the loss of a training that diverged."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: finite(item) for key, item in value.items()}
        case list() | tuple():
            return [finite(item) for item in value]
    return value


def _whole(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_whole(item) for item in value]
        case dict():
            return {_whole(key): _whole(item) for key, item in value.items()}
    return value


def write_content(path: Path, content: Content) -> None:
    """Replace a file in one move."""
    write_atomically(path, content.model_dump_json(indent=1) + "\n")
