"""`harness list`: frameworks, recipes and recorded runs."""

from __future__ import annotations

from pathlib import Path


def list_everything() -> None:
    """List frameworks, recipes with their profiles, and recorded runs. Example: python -m harness list"""
    from harness.cli.screens.blocks import print_blocks
    from harness.cli.screens.console import open_console
    from harness.job.recipe import read_recipe, recipe_files
    from harness.records.run_folder import runs_in
    from harness.report.parts.blocks import Table

    recipes = [(path.stem, ", ".join(read_recipe(path).profiles)) for path in recipe_files()]
    runs = [(folder.name, str(len(folder.recorded_cells()))) for folder in runs_in(Path("results"))]
    tables = [
        Table(headings=("framework", "version"), rows=_pinned_versions()),
        Table(headings=("recipe", "profiles"), rows=recipes),
        Table(headings=("run in results/", "cells"), rows=runs or [("none", "")]),
    ]
    print_blocks(open_console(), tables)


def _pinned_versions() -> list[tuple[str, str]]:
    from harness.environment.locks import lock_of, pinned_version
    from harness.files.locations import ADAPTERS
    from harness.job.frameworks import FRAMEWORKS, load_adapter

    return [(name, pinned_version(lock_of(name, ADAPTERS), load_adapter(name).package)) for name in FRAMEWORKS]
