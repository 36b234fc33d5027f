"""YAML that people write -> a checked pydantic model, or one message: the file, the key and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import pydantic
import yaml

from harness.errors import RecipeError


class Strict(pydantic.BaseModel):
    """A section of a file: a key that is not known is a mistake."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=Strict)


def read_yaml(path: Path, model: type[Model], *, what: str, sections: Iterable[type[Strict]] = ()) -> Model:
    """A file that holds one `model`. Raises RecipeError; a FileNotFoundError is the caller's to explain.

    `what` names such a file in messages; `sections` are the models inside it, whose keys a typo may have meant.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(path, None, f"cannot be read ({error})") from error
    except yaml.YAMLError as error:
        raise RecipeError(path, None, f"is not YAML ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        keys = ", ".join(model.model_fields)
        raise RecipeError(path, None, f"must be a mapping with {keys}, not {type(content).__name__}")
    try:
        return model.model_validate(content)
    except pydantic.ValidationError as error:
        key, problem = first_problem(error)
        if error.errors()[0]["type"] == "extra_forbidden":
            models: list[type[Strict]] = [model, *sections]
            known = {name for one in models for name in one.model_fields}
            problem = f"is not a key of {what}{nearest(key.rpartition('.')[2], sorted(known))}"
        raise RecipeError(path, key, problem) from error


def first_problem(error: pydantic.ValidationError) -> tuple[str, str]:
    """The key and the trouble with it, of the first thing that is wrong."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return key, "is missing"
    value = first["input"]
    shown = "" if isinstance(value, dict | list) else f"{value!r}: "
    return key, f"{shown}{first['msg'][0].lower()}{first['msg'][1:]}"


def nearest(name: str, known: Iterable[str]) -> str:
    """ "; did you mean x?", or nothing."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {matches[0]}?" if matches else ""
