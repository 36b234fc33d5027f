"""Figures as SVG, drawn by a separate process. It starts at once, while others still read, and may die without harm."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.errors import RecipeError, ReportError
from harness.report.figures.figure import Figure
from harness.report.figures.theme import THEMES, Theme, in_theme, themed

DRAWER = Path(__file__).with_name("drawer.py")


def can_draw() -> bool:
    """True if the libraries that draw are installed (the extra `figures`)."""
    return all(importlib.util.find_spec(name) is not None for name in ("altair", "vl_convert"))


def require_drawing(option: str) -> None:
    """Raise RecipeError if nothing can be drawn. `option`: what asked for a drawing."""
    if not can_draw():
        problem = "needs the libraries that draw: python -m pip install 'finetuning-harness[figures]'"
        raise RecipeError("command line", option, problem)


class Drawing:
    """Draws figures while it is open."""

    def __enter__(self) -> Drawing:
        # A file, since a full pipe that nobody reads would stop the process.
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(
            [sys.executable, str(DRAWER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def svgs(self, figure: Figure) -> dict[Theme, str]:
        """Return a figure as SVG in each theme. The same figure gives the same bytes. Raises ReportError."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(themed(figure.spec, "light")) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self._process.wait()
            self._errors.seek(0)
            error = " ".join(self._errors.read().split())[-300:]
            raise ReportError(f"{figure.title}: could not be drawn; the process that draws ended: {error}")
        svg: str = json.loads(answer)
        return {theme: in_theme(svg, theme) + "\n" for theme in THEMES}
