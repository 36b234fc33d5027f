"""YAML that people write -> a checked pydantic model, or one message: the file, the key and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import pydantic
import yaml

from harness.errors import RecipeError

LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Ten times as fast where libyaml is."""


class Strict(pydantic.BaseModel):
    """A section of a file: a key that is not known is a mistake."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=Strict)


def read_yaml(path: Path, model: type[Model], *, what: str, sections: Iterable[type[Strict]] = ()) -> Model:
    """A file that holds one `model`. Raises RecipeError; a FileNotFoundError is the caller's to explain.

    `what` names such a file in messages; `sections` are the models inside it, whose keys a typo may have meant.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.load(text, Loader=LOADER)
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
        where = line_of(text, error.errors()[0]["loc"])
        raise RecipeError(f"{path}, line {where}", key, problem) from error


def line_of(text: str, location: Sequence[str | int]) -> int:
    """The line, from 1, of a place in YAML given by keys and indices; if it is not there, of what is around it."""
    node = yaml.compose(text, Loader=LOADER)
    line = 0 if node is None else node.start_mark.line
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                continue  # A model's name within a union, or a key that is missing.
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
    return int(line) + 1


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
