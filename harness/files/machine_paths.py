"""Replace the folders of this machine in text that is recorded or published."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from harness.files.locations import SCRATCH_PREFIX, SOURCE_ROOT, cache_root
from harness.files.typed_path import expanded

OTHER_PYTHON = re.compile(r"(?<![\w$~./-])(?:/[\w.+-]+)+(?=/lib(?:64)?/python3\.\d+/)")
"""The folder of an interpreter outside the cache: a node's."""


def without_machine_paths(text: str) -> str:
    """Return `text` for publication: this machine's folders become $SCRATCH, $SOURCE, $CACHE, $PYTHON and ~."""
    text = re.sub(re.escape(tempfile.gettempdir()) + r"/" + SCRATCH_PREFIX + r"\w+", "$SCRATCH", text)
    places = [(str(cache_root()), "$CACHE"), (str(SOURCE_ROOT), "$SOURCE"), (str(Path.cwd()), "$PWD")]
    if (home := str(expanded("~"))) != "~":
        places.append((home, "~"))
    for place, name in sorted(places, key=lambda pair: -len(pair[0])):
        if len(place) > 1:
            text = text.replace(place, name)
    return OTHER_PYTHON.sub("$PYTHON", text)
