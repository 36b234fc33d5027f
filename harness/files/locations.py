"""Where files are: the source, the cache, and the current folder's results and reports."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from harness.errors import RecipeError
from harness.files.typed_path import expanded

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of the package `harness`."""
INSTALLED = (PACKAGE / "adapters").is_dir()
"""True in an installed wheel: adapters/ and recipes/ are inside the package. False in a checkout.

So the wheel owns one import name. `adapters` belongs to a package of the registry, `recipes` to torchtune.
"""
SOURCE_ROOT = PACKAGE if INSTALLED else PACKAGE.parent
"""The folder with adapters/ and recipes/."""
ADAPTERS_PACKAGE = "harness.adapters" if INSTALLED else "adapters"
"""The import name of adapters/."""

SCRATCH_PREFIX = "harness-"
"""Name prefix of the temporary folder in which a run's workers write."""

ADAPTERS = SOURCE_ROOT / "adapters"
RECIPES = SOURCE_ROOT / "recipes"


def cache_root() -> Path:
    """Return where inputs and environments are kept: $HARNESS_CACHE, else the user's cache folder.

    Raises RecipeError if that is in the home folder of a user who has none.
    """
    chosen = os.environ.get("HARNESS_CACHE")
    folder = expanded(chosen or os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    if str(folder).startswith("~"):
        problem = f"{folder}: this user has no home folder; HARNESS_CACHE=DIR names a folder for the cache"
        raise RecipeError("environment", "HARNESS_CACHE", problem)
    return folder.resolve() if chosen else folder.resolve() / "finetuning-harness"


def importable_source(cache: Path) -> Path:
    """Return a folder for PYTHONPATH from which this source, and nothing else of its environment, can be imported.

    In a checkout it is the checkout. An installed wheel has other packages beside it, so a folder in the cache holds a
    link to it.
    """
    if not INSTALLED:
        return SOURCE_ROOT
    folder = cache / "source" / hashlib.sha256(str(PACKAGE).encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    for name, target in (("harness", PACKAGE), ("adapters", PACKAGE / "adapters")):
        with contextlib.suppress(FileExistsError):
            (folder / name).symlink_to(target)
    return folder
