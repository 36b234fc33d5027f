"""YAML that people write -> a checked pydantic model, or one message: the file, the key and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args

import pydantic
import yaml

from harness.errors import RecipeError

FASTEST: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml, where it is installed, is ten times as fast."""


class Loader(FASTEST):  # type: ignore[misc, valid-type]
    """YAML 1.2's reading of plain words: 010 is ten, 1:04 and yes are text."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    def get_single_data(self) -> Any:
        """Return the content. Raises yaml.YAMLError, also if a key stands twice in a mapping."""
        node = self.get_single_node()
        if node is None:
            return None
        # Checked before construction, which puts merged keys beside a mapping's keys.
        _refuse_second_keys(node, set())
        return self.construct_document(node)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Read in base ten, whatever it begins with."""
        return int(self.construct_scalar(node))


def _refuse_second_keys(node: yaml.Node, seen: set[int]) -> None:
    if id(node) in seen or not isinstance(node, yaml.CollectionNode):
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for key, _ in node.value:
            if isinstance(key.value, str) and key.value in names:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} stands twice", key.start_mark)
            names |= {key.value} if isinstance(key.value, str) else set()
    for child in node.value:
        for part in child if isinstance(child, tuple) else (child,):
            _refuse_second_keys(part, seen)


MERGE = "tag:yaml.org,2002:merge"
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", list("-+0123456789.")),
    (MERGE, r"^<<$", ["<"]),
):
    Loader.add_implicit_resolver(_tag, re.compile(_pattern), _first)
Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_yaml_int)


class Strict(pydantic.BaseModel):
    """A section of a file. An unknown key is an error, and so is true where a number is due."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    @pydantic.field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, about: pydantic.ValidationInfo) -> Any:
        if isinstance(value, bool) and not _may_be_bool(cls.model_fields[str(about.field_name)].annotation):
            raise ValueError("is neither a number nor text")
        return value


def _may_be_bool(kind: Any) -> bool:
    return kind in (bool, Any) or any(_may_be_bool(part) for part in get_args(kind))


Model = TypeVar("Model", bound=Strict)


def read_yaml(path: Path, model: type[Model], *, what: str, sections: Iterable[type[Strict]] = ()) -> Model:
    """Return a file that holds one `model`. Raises RecipeError; the caller explains a FileNotFoundError.

    `what` names such a file in messages. `sections` are the models inside it, whose keys a typo may have meant.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = yaml.load(text, Loader=Loader)
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise RecipeError(path, None, f"cannot be read ({error})") from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
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
            known = {name for model in models for name in model.model_fields}
            problem = f"is not a key of {what}{nearest(key.rpartition('.')[2], sorted(known))}"
        where = line_of(text, error.errors()[0]["loc"])
        raise RecipeError(f"{path}, line {where}", key, problem) from error


def line_of(text: str, location: Sequence[str | int]) -> int:
    """Return the line, from 1, of a place in YAML given by keys and indices; if missing, of what surrounds it."""
    node = yaml.compose(text, Loader=Loader)
    line = 0 if node is None else node.start_mark.line
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                continue  # The place is a model's name within a union, or a missing key.
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
    return int(line) + 1


def first_problem(error: pydantic.ValidationError) -> tuple[str, str]:
    """Return the key and the problem of the first thing that is wrong."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return key, "is missing"
    value = first["input"]
    shown = "" if isinstance(value, dict | list) else f"{value!r}: "
    return key, f"{shown}{first['msg'][0].lower()}{first['msg'][1:]}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean x?", or nothing."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {matches[0]}?" if matches else ""
