"""`harness list`: frameworks, recipes and recorded runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def list_everything() -> None:
    """List frameworks, recipes with their profiles, and recorded runs. Example: python -m harness list"""
    from harness.cli.screens.console import open_console
    from harness.cli.screens.tables import pairs_table
    from harness.job.recipe import read_recipe, recipe_files
    from harness.records.run_folder import runs_in

    console = open_console()
    console.print("Frameworks", style="bold")
    console.print(pairs_table(_pinned_versions()))
    console.print("Recipes", style="bold")
    recipes = {path.stem: ", ".join(read_recipe(path).profiles) for path in recipe_files()}
    console.print(pairs_table(recipes))
    console.print("Runs in results/", style="bold")
    runs = {folder.path.name: f"{len(folder.recorded_cells())} cells" for folder in runs_in(Path("results"))}
    console.print(pairs_table(runs or {"none": ""}))


def _pinned_versions() -> dict[str, Any]:
    from harness.environment.locks import lock_of, pinned_version
    from harness.files.locations import ADAPTERS
    from harness.job.frameworks import FRAMEWORKS, load_adapter

    return {name: pinned_version(lock_of(name, ADAPTERS), load_adapter(name).package) for name in FRAMEWORKS}
