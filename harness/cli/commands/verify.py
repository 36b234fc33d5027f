"""`harness verify`: check published claims against what was measured."""

from __future__ import annotations

import enum
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.runs import checked
from harness.errors import EXIT_NOT_OK

if TYPE_CHECKING:
    from harness.records.checked_run import CheckedRun
    from harness.records.run_folder import RunFolder
    from harness.studies.claims.judge import Judgement


class VerifyFormat(enum.StrEnum):
    """The formats that `verify` prints."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


def verify(
    results: Annotated[
        list[Path] | None,
        typer.Option("--results", help="A run's folder, or one that holds runs; repeatable. By default results/."),
    ] = None,
    claims: Annotated[
        str, typer.Option("--claims", metavar="IDS", help='"all", or ids with commas, as in U1,R2 (R2.1, R2.2, ...).')
    ] = "all",
    registry: Annotated[
        Path | None, typer.Option("--registry", help="A folder of YAML with claims; by default recipes/claims.")
    ] = None,
    format_: Annotated[
        VerifyFormat, typer.Option("--format", help="How the verdicts are printed.")
    ] = VerifyFormat.TABLE,
    details: Annotated[
        bool, typer.Option("--details", help="Print each figure that was compared with each part of a claim.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if any claim is refuted.")] = False,
) -> None:
    """Check published claims against recorded results: confirmed, refuted, or why neither can be said.

    A claim is confirmed or refuted only by cells of the same job on hardware and under conditions that it names, and
    only if the 95% interval lies inside, or outside, what it says.

    Example: python -m harness verify --claims R1,U1 --results results/my-run --details
    """
    from harness.studies.claims.registry import CLAIMS
    from harness.studies.claims.verify import judgements

    judged = judgements(_sources(results or [Path("results")]), claims, registry or CLAIMS)
    _print(judged, format_, details=details)
    if strict and any(judgement.verdict == "refuted" for judgement in judged):
        raise typer.Exit(EXIT_NOT_OK)


def _sources(paths: list[Path]) -> list[RunFolder | CheckedRun]:
    """Return what the paths name or hold. A run that is unreadable is named on standard error.

    Raises RunFolderError if nothing is readable.
    """
    from harness.errors import RunFolderError

    sources: list[RunFolder | CheckedRun] = []
    broken: list[RunFolderError] = []
    for folder in _folders(paths):
        try:
            sources.append(checked(folder) if folder.exists() else folder)
        except RunFolderError as error:
            broken.append(error)
    if broken and not sources:
        raise broken[0]
    for why in broken:
        sys.stderr.write(f"left out: {why}\n")
    return sources


def _folders(paths: list[Path]) -> list[RunFolder]:
    """Return the folders that the paths name or hold. Raises RunFolderError if there are none."""
    from harness.errors import RunFolderError
    from harness.records.run_folder import RunFolder
    from harness.records.searches import SearchFile

    found: dict[Path, RunFolder] = {}
    for path in paths:
        inside = [path, *sorted(child for child in path.glob("*") if child.is_dir())] if path.is_dir() else []
        usable = [
            RunFolder(folder) for folder in inside if RunFolder(folder).exists() or SearchFile(folder).path.is_file()
        ]
        if not usable:
            problem = "holds no run" if path.is_dir() else "is no folder"
            raise RunFolderError(f"{path}: {problem}; record one with: python -m harness run --output results/NAME")
        found |= {folder.path.resolve(): folder for folder in usable}
    return list(found.values())


def _print(judgements: list[Judgement], format_: VerifyFormat, *, details: bool) -> None:
    from harness.cli.screens.blocks import print_blocks
    from harness.cli.screens.console import open_console
    from harness.report.pages.markdown import lines_of
    from harness.report.parts import claims

    if format_ is VerifyFormat.JSON:
        sys.stdout.write(
            json.dumps([claims.as_dict(judgement) for judgement in judgements], indent=2, allow_nan=False) + "\n"
        )
    elif format_ is VerifyFormat.MARKDOWN:
        sys.stdout.write("\n".join(lines_of(claims.blocks(judgements))))
    else:
        print_blocks(open_console(), claims.blocks(judgements), details=details)
