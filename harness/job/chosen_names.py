"""Frameworks, methods and tracks as the command line names them: "all", or names with commas."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import RecipeError
from harness.files.yaml_files import nearest
from harness.job.experiment import TRACKS, Track
from harness.job.frameworks import FRAMEWORKS
from harness.job.job import METHODS, Method

COMMAND_LINE = "command line"


def choose_frameworks(text: str) -> tuple[str, ...]:
    """Return the frameworks of "all" or of names with commas, in the order of the report. Raises RecipeError."""
    return _chosen("--frameworks", text, FRAMEWORKS)


def choose_methods(text: str) -> tuple[Method, ...]:
    """Return the methods of "all" or of names with commas. Raises RecipeError."""
    chosen = _chosen("--methods", text, METHODS)
    return tuple(method for method in METHODS if method in chosen)


def choose_tracks(text: str) -> tuple[Track, ...]:
    """Return the tracks of "all" or of names with commas. Raises RecipeError."""
    chosen = _chosen("--track", text, TRACKS)
    return tuple(track for track in TRACKS if track in chosen)


def _chosen(option: str, text: str, known: Sequence[str]) -> tuple[str, ...]:
    if text.strip() == "all":
        return tuple(known)
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise RecipeError(COMMAND_LINE, option, f"names none; allowed are all, {', '.join(known)}")
    for name in names:
        if name not in known:
            raise RecipeError(COMMAND_LINE, option, f"{name!r} is not one of {', '.join(known)}{nearest(name, known)}")
    return tuple(name for name in known if name in names)
