"""What was recorded, told apart from what was edited afterwards: hashes inside a JSON object, or beside files.

They show an edit by hand. Whoever also makes the hashes anew is not found out by them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SEAL = "seal.json"
"""Beside files: the sha256 of each."""
FIELD = "sealed_sha256"
"""In an object: the sha256 of all else in it."""


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """An object with its seal. Raises TypeError for what JSON does not have."""
    plain = {name: value for name, value in content.items() if name != FIELD}
    return {**plain, FIELD: _sha256_of(plain)}


def is_sealed(content: Mapping[str, Any]) -> bool:
    """Whether an object is as it was sealed."""
    return bool(content.get(FIELD) == sealed(content)[FIELD])


def hashes_of(folder: Path) -> dict[str, str]:
    """sha256 of each file of a folder but the seal."""
    with os.scandir(folder) as entries:
        paths = {entry.name: entry.path for entry in entries if entry.name != SEAL}
    return {name: _sha256_of_file(paths[name]) for name in sorted(paths)}


def edited_files(folder: Path) -> list[str]:
    """Names of a folder's files that are not as they were sealed; the seal's own if it is missing."""
    try:
        recorded = json.loads((folder / SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return [SEAL]
    if not isinstance(recorded, dict):
        return [SEAL]
    found = hashes_of(folder)
    return sorted(name for name in {*recorded, *found} if recorded.get(name) != found.get(name))


def seal_of(folder: Path) -> str:
    """sha256 of a folder's seal, which stands for the folder; empty if it has none."""
    try:
        return _sha256_of_file(folder / SEAL)
    except OSError:
        return ""


def _sha256_of_file(path: str | Path) -> str:
    with open(path, "rb") as file:  # noqa: PTH123 (of ten thousand small files, making paths would take a third)
        return hashlib.sha256(file.read()).hexdigest()


def _sha256_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
