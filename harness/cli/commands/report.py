"""`harness report`: write the report of recorded runs again."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.runs import checked, newest_of_each_machine, newest_run, run_named


class Shape(enum.StrEnum):
    """What is written about runs."""

    RUN = "run"
    ORIGINAL = "original"


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
    as_: Annotated[
        Shape,
        typer.Option(
            "--as",
            help="original: the comparison report that this project measures again, over the given runs or the newest "
            "of each kind of machine.",
        ),
    ] = Shape.RUN,
    language: Annotated[
        str, typer.Option("--language", metavar="CODE", help="Of the answer, the stars and the original: en or zh.")
    ] = "en",
) -> None:
    """Write reports/<run>.md, or .html, from recorded results; the same results give the same file.

    Several runs come into one report, by machine; no ratio is over two of them.

    Example: python -m harness report results/my-run --html --open
    """
    from harness.cli.screens.blocks import print_report
    from harness.cli.screens.console import lines_on, open_console
    from harness.report.pages.write import write_original, write_report
    from harness.report.parts.report import summary_of
    from harness.text.language import language_named

    chosen = language_named(language)
    if run_names:
        folders = [run_named(name) for name in dict.fromkeys(run_names)]
    else:
        folders = newest_of_each_machine() if as_ is Shape.ORIGINAL else [newest_run()]
    runs = [checked(folder) for folder in folders]
    console = open_console()
    if terminal:
        for run in runs:
            print_report(console, summary_of(run))
        return
    if as_ is Shape.ORIGINAL:
        written = [write_original(runs, output, chosen)]
    else:
        written = write_report(runs, output, markdown=markdown or not html, html=html, language=chosen)
    print_line = lines_on(console)
    for path in written:
        print_line(str(path))
    if open_:
        typer.launch(str(written[-1]))
