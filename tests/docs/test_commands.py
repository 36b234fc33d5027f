"""Every command that a page shows is one that the program takes; those that only read are run."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from harness.cli.app import app
from harness.files.locations import SOURCE_ROOT

PAGES = (*sorted((SOURCE_ROOT / "docs").glob("*.md")), SOURCE_ROOT / "README.md")
COMMAND = re.compile(r"(?:[.\w/]*python3? -m )?harness (\w.*)")
THAT_READ = ("report", "verify", "matrix", "compare", "history", "export", "list")
"""Commands that only read results, so that they can be run as they are shown."""
RUNS = ("my-run", "run-1", "run-2", "results/main", "results/now", "results/my-run", "EARLIER", "LATER", "A", "B")
"""Names of runs in the pages. Here each is the reference run."""


def shown() -> Iterator[tuple[Path, str]]:
    """Every command line of the pages, without comments."""
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            if line.startswith(("    ", "      - run: ")):
                parts = line.strip().removeprefix("- run: ").split("&&")
                for found in filter(None, map(COMMAND.match, map(str.strip, parts))):
                    yield page, found[1].partition("  #")[0].partition(" >")[0].strip()


COMMANDS = sorted({(page.name, text) for page, text in shown()})


def test_the_pages_show_commands() -> None:
    assert len(COMMANDS) > 40


@pytest.mark.parametrize(("page", "text"), COMMANDS)
def test_a_command_that_a_page_shows_is_one_that_the_program_takes(page: str, text: str) -> None:
    name, *arguments = shlex.split(text.replace("$(command -v python3)", "python3"))
    command = typer.main.get_command(app)
    assert name in command.commands, page  # type: ignore[attr-defined]
    command.commands[name].make_context(name, arguments)  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "text"), [one for one in COMMANDS if one[1].split()[0] in THAT_READ])
def test_a_command_that_only_reads_runs_as_it_is_shown(page: str, text: str, tmp_path: Path) -> None:
    del page
    reference = SOURCE_ROOT / "results" / "reference-cpu"
    for name in RUNS:
        place = tmp_path / "results" / Path(name).name
        if not place.exists():
            shutil.copytree(reference, place)
    arguments = [word for word in shlex.split(text) if word not in ("--open", "[RUN]...", "[RUN]")]
    done = subprocess.run(
        [sys.executable, "-m", "harness", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1, 3), done.stderr
    assert "Traceback" not in done.stderr
