"""The three folders that the harness uses: its own source, the cache, and the current folder's results and reports."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

SOURCE_ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds harness/, adapters/ and recipes/."""

SCRATCH_PREFIX = "harness-"
"""Of the folder, in the system's place for temporary files, in which a run's workers write."""

ADAPTERS = SOURCE_ROOT / "adapters"
RECIPES = SOURCE_ROOT / "recipes"

OTHER_PYTHON = re.compile(r"(?<![\w$~./-])(?:/[\w.+-]+)+(?=/lib(?:64)?/python3\.\d+/)")
"""The folder of an interpreter that is not the cache's: a node's own."""


def cache_root() -> Path:
    """Where inputs and environments are kept: $HARNESS_CACHE, else the user's cache folder."""
    if chosen := os.environ.get("HARNESS_CACHE"):
        return Path(chosen).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().resolve() / "finetuning-harness"


def without_machine_paths(text: str) -> str:
    """`text` with this machine's folders replaced by $SCRATCH, $SOURCE, $CACHE, $PYTHON and ~, to be published."""
    text = re.sub(re.escape(tempfile.gettempdir()) + r"/" + SCRATCH_PREFIX + r"\w+", "$SCRATCH", text)
    places = [(str(cache_root()), "$CACHE"), (str(SOURCE_ROOT), "$SOURCE"), (str(Path.cwd()), "$PWD")]
    home = str(Path.home())
    if len(home) > 1:
        places.append((home, "~"))
    for place, name in sorted(places, key=lambda pair: -len(pair[0])):
        if len(place) > 1:
            text = text.replace(place, name)
    return OTHER_PYTHON.sub("$PYTHON", text)
