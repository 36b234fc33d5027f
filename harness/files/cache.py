"""A folder per content key, made once, whole or not at all, by the first process that needs it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.files.file_lock import locked


def cached_folder(root: Path, kind: str, key: Mapping[str, Any], make: Callable[[Path], None]) -> Path:
    """Return the folder for `key`, calling `make` on an empty one if there is none yet.

    `make` fills a folder beside the final one, which is renamed when it is complete: a reader never sees half of it. A
    second process waits for the lock of the first. What a killed process left is removed by the next one that makes the
    folder.
    """
    final = folder_of(root, kind, key)
    name = final.name
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with locked(final.parent / f".{name}.lock"):
        if final.is_dir():
            return final
        for left in final.parent.glob(f".{name}.making-*"):
            shutil.rmtree(left, ignore_errors=True)
        making = Path(tempfile.mkdtemp(dir=final.parent, prefix=f".{name}.making-"))
        try:
            make(making)
            (making / "key.json").write_text(_text_of(key) + "\n", encoding="utf-8")
            making.chmod(0o755)
            os.rename(making, final)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
    return final


def discard(folder: Path) -> None:
    """Remove a folder of the cache: first from its name, so that nobody finds half of it."""
    leaving = folder.parent / f".{folder.name}.making-{os.getpid()}"
    try:
        os.rename(folder, leaving)
    except FileNotFoundError:
        return
    shutil.rmtree(leaving, ignore_errors=True)


def folder_of(root: Path, kind: str, key: Mapping[str, Any]) -> Path:
    """Return where the folder for `key` is, or would be."""
    return root / kind / hashlib.sha256(_text_of(key).encode()).hexdigest()[:24]


def _text_of(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True)


def file_sha256(path: Path) -> str:
    """Hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
