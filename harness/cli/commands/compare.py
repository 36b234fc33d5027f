"""`harness compare`: one run against an earlier one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.runs import checked, run_named
from harness.errors import EXIT_NOT_OK, EXIT_NOT_TOLD


def compare(
    before: Annotated[
        str, typer.Argument(metavar="RUN_A", help="The earlier run: its name in results/, or its folder.")
    ],
    after: Annotated[str, typer.Argument(metavar="RUN_B", help="The later run.")],
    fail_on: Annotated[
        str, typer.Option("--fail-on", metavar="SHARE", help="A smaller loss of speed or growth of memory is none.")
    ] = "5%",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, as for a pull request.")] = False,
) -> None:
    """Compare a run with an earlier one: who became slower or takes more memory, and what else is not the same.

    Only what was measured on the same machine and job is compared; versions may differ. Where GITHUB_STEP_SUMMARY is
    set, the Markdown is added to that file.

    Example: python -m harness compare last-week today --fail-on 3%
    """
    from harness.analysis.compare_runs import changes
    from harness.cli.screens.blocks import print_blocks
    from harness.cli.screens.console import open_console
    from harness.job.recipe import share_of
    from harness.report.pages.markdown import lines_of
    from harness.report.parts.changes import blocks
    from harness.text.markdown_table import inline

    smallest_effect = share_of("--fail-on", fail_on)
    folders = run_named(before), run_named(after)
    found = changes(checked(folders[0]), checked(folders[1]), smallest_effect)
    shown = blocks(found, smallest_effect)
    title = f"## {inline(folders[1].name)} against {inline(folders[0].name)}"
    text = "\n".join([title, "", *lines_of(shown)])
    console = open_console()
    if markdown:
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    else:
        print_blocks(console, shown)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            # A failure to write the summary does not change what was found.
            sys.stderr.write(f"GITHUB_STEP_SUMMARY: {summary}: {error.strerror}; the summary is left out\n")
    if any(comparison.regressed() for comparison in found):
        raise typer.Exit(EXIT_NOT_OK)
    if not found or any(comparison.not_compared for comparison in found):
        raise typer.Exit(EXIT_NOT_TOLD)
