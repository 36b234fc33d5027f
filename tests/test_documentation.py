"""What text names exists: a module, a class or a file that a docstring, a comment or a page points to."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.files.locations import SOURCE_ROOT

DOTTED = re.compile(r"(?<![\w/.$@-])(?:harness|adapters|tests)(?:\.[A-Za-z_]\w*)+")
PATH = re.compile(r"(?<![\w./$<-])(?:harness|adapters|tests|recipes|scripts|docs)/[\w./-]*\w")
NOT_HERE = ("harness.adapters", "harness/adapters", "harness/recipes", "docs/lora_optims")
"""Places in the wheel, which a checkout has beside harness/, and a page of Axolotl's."""
PLACES = (
    "harness",
    "adapters",
    "tests",
    "scripts",
    "recipes",
    "docs",
    "README.md",
    "CONTRIBUTING.md",
    "pyproject.toml",
)


def committed() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", *PLACES], cwd=SOURCE_ROOT, capture_output=True, text=True, check=True
    )
    return [SOURCE_ROOT / name for name in listed.stdout.split("\0") if name.endswith((".py", ".md", ".toml", ".yaml"))]


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something that is defined in one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        place = SOURCE_ROOT.joinpath(*parts[:end])
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            return all(re.search(rf"\b{part}\b", text) for part in parts[end:])
    return False


def names_in(path: Path) -> Iterator[str]:
    text = re.sub("|".join(map(re.escape, NOT_HERE)), "", path.read_text(encoding="utf-8"))
    for line in text.splitlines():
        yield from (name for name in DOTTED.findall(line) if not exists(name))
        yield from (name for name in PATH.findall(line) if not (SOURCE_ROOT / name).exists())


@pytest.mark.skipif(not (SOURCE_ROOT / ".git").exists(), reason="only a checkout says which files are the project's")
def test_what_text_names_is_there() -> None:
    lost = [(path.relative_to(SOURCE_ROOT), name) for path in committed() for name in names_in(path)]
    assert lost == []
