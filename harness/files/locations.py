"""Where files are: the source, the cache, and the current folder's results and reports."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from pathlib import Path

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

OTHER_PYTHON = re.compile(r"(?<![\w$~./-])(?:/[\w.+-]+)+(?=/lib(?:64)?/python3\.\d+/)")
"""The folder of an interpreter outside the cache: a node's."""


def cache_root() -> Path:
    """Return where inputs and environments are kept: $HARNESS_CACHE, else the user's cache folder."""
    if chosen := os.environ.get("HARNESS_CACHE"):
        return expanded(chosen).resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return expanded(base).resolve() / "finetuning-harness"


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


def without_machine_paths(text: str) -> str:
    """Return `text` for publication: this machine's folders become $SCRATCH, $SOURCE, $CACHE, $PYTHON and ~."""
    text = re.sub(re.escape(tempfile.gettempdir()) + r"/" + SCRATCH_PREFIX + r"\w+", "$SCRATCH", text)
    places = [(str(cache_root()), "$CACHE"), (str(SOURCE_ROOT), "$SOURCE"), (str(Path.cwd()), "$PWD")]
    home = str(Path.home())
    if len(home) > 1:
        places.append((home, "~"))
    for place, name in sorted(places, key=lambda pair: -len(pair[0])):
        if len(place) > 1:
            text = text.replace(place, name)
    return OTHER_PYTHON.sub("$PYTHON", text)
