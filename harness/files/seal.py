"""Seals: hashes inside a JSON object, or beside files, that show later edits.

They show an edit by hand. They do not stop someone who makes the hashes again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SEAL = "seal.json"
"""The file that holds the sha256 of each file beside it."""
FIELD = "sealed_sha256"
"""The field that holds the sha256 of the rest of an object."""


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its seal. Raises TypeError for what JSON lacks."""
    plain = {name: value for name, value in content.items() if name != FIELD}
    return {**plain, FIELD: _sha256_of(plain)}


def is_sealed(content: Mapping[str, Any]) -> bool:
    """True if an object is as it was sealed."""
    return bool(content.get(FIELD) == sealed(content)[FIELD])


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file of a folder but the seal."""
    with os.scandir(folder) as entries:
        paths = {entry.name: entry.path for entry in entries if entry.name != SEAL}
    return {name: _sha256_of_file(paths[name]) for name in sorted(paths)}


def edited_files(folder: Path) -> list[str]:
    """Return the names of a folder's files that differ from its seal; the seal's name if it is missing."""
    try:
        recorded = json.loads((folder / SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return [SEAL]
    if not isinstance(recorded, dict):
        return [SEAL]
    found = hashes_of(folder)
    return sorted(name for name in {*recorded, *found} if recorded.get(name) != found.get(name))


def seal_of(folder: Path) -> str:
    """Return the sha256 of a folder's seal, which stands for the folder; empty if it has none."""
    try:
        return _sha256_of_file(folder / SEAL)
    except OSError:
        return ""


def _sha256_of_file(path: str | Path) -> str:
    with open(path, "rb") as file:  # noqa: PTH123 (of ten thousand small files, making paths would take a third)
        return hashlib.sha256(file.read()).hexdigest()


def _sha256_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
