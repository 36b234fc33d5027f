"""A JSON file of this program's records -> checked values, or one message that says what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pydantic

from harness.atomic import write_atomically
from harness.errors import RunFolderError


class Content(pydantic.BaseModel):
    """The whole of such a file; a subclass says of which version and of what."""

    model_config = pydantic.ConfigDict(extra="forbid")

    schema_version: int


Model = TypeVar("Model", bound=Content)


def read_content(path: Path, model: type[Model], schema_version: int) -> Model | None:
    """What a file holds; None if there is none. Raises RunFolderError if it is not this program's."""
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


def write_content(path: Path, content: Content) -> None:
    """Replace a file in one move."""
    write_atomically(path, content.model_dump_json(indent=1) + "\n")
