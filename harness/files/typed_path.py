"""Paths as users type them: with ~, and possibly with a name that no file can have."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def expanded(name: str | Path) -> Path:
    """Return the path with ~ replaced; unchanged if it names a user who has no home folder."""
    return Path(os.path.expanduser(name))  # noqa: PTH111  # pathlib raises for a user who does not exist


def existing(name: str | Path) -> Path | None:
    """Return the path of that name if something is there. Raises OSError if that cannot be found out."""
    path = expanded(name)
    try:
        return path if path.exists() else None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return None
        raise


def existing_folder(name: str | Path) -> Path | None:
    """Return the path of that name if it is a folder. Raises OSError if that cannot be found out."""
    path = existing(name)
    return path if path is not None and path.is_dir() else None
