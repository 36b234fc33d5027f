"""`harness report`, `list` and `export`: what is on disk already."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import FormatOption, RunArgument

if TYPE_CHECKING:
    from harness.records.results import CheckedRun
    from harness.records.run_folder import RunFolder


def report(
    run_names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help="Names in results/, or folders; by default the newest run."),
    ] = None,
    html: Annotated[
        bool, typer.Option("--html", help="One page without network access, to look at and filter.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown with figures; the default.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="DIR", help="A folder; by default reports/ beside results/.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open what was written.")] = False,
    terminal: Annotated[bool, typer.Option("--terminal", help="Print the tables instead of writing files.")] = False,
) -> None:
    """Write reports/<run>.md, or .html, from recorded results; the same results give the same file.

    Several runs come into one report, by machine; no ratio is over two of them.

    Example: python -m harness report results/my-run --html --open
    """
    from harness.cli.screens.console import open_console
    from harness.cli.screens.results import print_results
    from harness.report.pages.write import write_report

    folders = [run_named(name) for name in dict.fromkeys(run_names)] if run_names else [newest_run()]
    runs = [checked(folder) for folder in folders]
    console = open_console()
    if terminal:
        for run in runs:
            print_results(console, run)
        return
    written = write_report(runs, output, markdown=markdown or not html, html=html)
    for path in written:
        console.print(str(path), soft_wrap=True, highlight=False, markup=False)
    if open_:
        typer.launch(str(written[-1]))


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


def export(
    run_name: RunArgument = None,
    format_: Annotated[FormatOption, typer.Option("--format", help="One flat record a cell.")] = FormatOption.JSON,
    output: Annotated[Path | None, typer.Option("--output", help="A file; by default standard output.")] = None,
) -> None:
    """Print one flat record per cell, for any other tool; or what `pytest-benchmark compare` reads.

    Example: python -m harness export --format csv my-run > cells.csv
    """
    from harness.errors import RecipeError
    from harness.records.results import arrow_table_of, frame_of
    from harness.report.content.benchmarks import benchmarks_text

    run = checked(run_named(run_name))
    if format_ is FormatOption.PYTEST_BENCHMARK:
        text = benchmarks_text(run)
    elif format_ is FormatOption.PARQUET:
        if output is None:
            raise RecipeError("command line", "--output", "is needed for parquet, which is not text")
        import pyarrow.parquet as pq

        table = arrow_table_of(run)
        with output.open("wb") as file:
            pq.write_table(table, file)
        return
    elif format_ is FormatOption.CSV:
        text = frame_of(run).to_csv(index=False)
    else:
        text = frame_of(run).to_json(orient="records", indent=2, double_precision=15) + "\n"
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")


def checked(folder: RunFolder) -> CheckedRun:
    """A run as its reports need it; what of it cannot be read is named on standard error. Raises RunFolderError."""
    from harness.records.results import read_checked

    run = read_checked(folder)
    for why in run.unreadable:
        sys.stderr.write(f"left out: {why}\n")
    return run


def newest_run() -> RunFolder:
    """The run in results/ that was written last. Raises RunFolderError if there is none."""
    from harness.errors import RunFolderError
    from harness.records.run_folder import runs_in

    runs = runs_in(Path("results"))
    if not runs:
        raise RunFolderError("results/ holds no run yet; start one with: python -m harness run")
    return runs[-1]


def run_named(name: str | None) -> RunFolder:
    """A run by its folder or its name in results/, or the newest. Raises RunFolderError."""
    from harness.errors import RunFolderError
    from harness.records.run_folder import RunFolder

    if name is None:
        return newest_run()
    for path in (Path(name), Path("results") / name):
        if RunFolder(path).exists():
            return RunFolder(path)
    raise RunFolderError(f"{name}: no such run, neither as a folder nor in results/; `harness list` shows them")


def _pinned_versions() -> dict[str, Any]:
    from harness.environment.locks import lock_of, pinned_version
    from harness.files.locations import ADAPTERS
    from harness.job.frameworks import FRAMEWORKS, load_adapter

    return {name: pinned_version(lock_of(name, ADAPTERS), load_adapter(name).package) for name in FRAMEWORKS}
