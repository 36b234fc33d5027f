"""What a framework's installed package contains: docstrings, explained options, examples, size."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

EXAMPLE_ENDINGS = {".md", ".rst", ".ipynb", ".yaml", ".yml"}


def survey(package: str, options: Iterable[tuple[str, bool]], folders: Iterable[Path] = ()) -> dict[str, float]:
    """Return figures of an installed package.

    `options`: (name, whether it is explained). `folders`: further folders of the package.
    """
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None
    roots = [Path(spec.origin).parent, *folders]
    public, documented = docstrings(roots[0])
    listed = list(options)
    files = [
        path for folder in roots for path in folder.rglob("*") if path.suffix in EXAMPLE_ENDINGS and path.is_file()
    ]
    distributions = list(importlib.metadata.distributions())
    return {
        "public_objects": public,
        "documented_objects": documented,
        "options": len(listed),
        "explained_options": sum(explained for _, explained in listed),
        "example_files": len(files),
        "example_bytes": sum(path.stat().st_size for path in files),
        "installed_packages": len({distribution.metadata["Name"].lower() for distribution in distributions}),
        "installed_bytes": sum(installed_bytes(distribution) for distribution in distributions),
    }


def docstrings(folder: Path) -> tuple[int, int]:
    """Return how many public modules, classes, functions and methods a package has, and how many have a docstring."""
    public = documented = 0
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder).with_suffix("").parts
        if any(part.startswith("_") and part != "__init__" for part in parts):
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
        except SyntaxError:
            continue
        for node in public_nodes(tree):
            public += 1
            documented += ast.get_docstring(node, clean=False) is not None
    return public, documented


def public_nodes(tree: ast.Module) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield classes, functions and methods without a leading underscore."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith("_"):
                        yield inner


def installed_bytes(distribution: importlib.metadata.Distribution) -> int:
    """Return the bytes of a distribution's files, by its record."""
    return sum(file.size or 0 for file in distribution.files or ())


def explained_fields(kind: Any) -> Iterator[tuple[str, bool]]:
    """Yield the fields of a dataclass or a pydantic model, and whether each has a help text."""
    if hasattr(kind, "model_fields"):
        for name, field in kind.model_fields.items():
            extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
            yield name, bool(field.description or extra.get("description"))
    else:
        for name, field in kind.__dataclass_fields__.items():
            yield name, bool(field.metadata.get("help")) or documents(kind, name)


def explained_parameters(function: Any) -> Iterator[tuple[str, bool]]:
    """Yield the parameters of a function, and whether its docstring explains each."""
    for name in inspect.signature(function).parameters:
        if name not in {"self", "args", "kwargs"}:
            yield name, documents(function, name)


def documents(thing: Any, name: str) -> bool:
    """True if a docstring has an entry for a name, as "name:" or "name (type):"."""
    lines = (inspect.getdoc(thing) or "").splitlines()
    return any(line.strip().lstrip("-* `").startswith((f"{name}:", f"{name} (", f"{name}`")) for line in lines)
