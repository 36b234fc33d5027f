"""The audit's verdicts on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from harness.audit.verdict import Verdict
from harness.cli.screens.console import plain, say
from harness.cli.screens.tables import text_table
from harness.job.experiment import section_of
from harness.report.content.audits import FINDING_HEADINGS, HEADINGS, audit_cells, finding_cells, ordered


def print_audits(console: Console, verdicts: Sequence[Verdict], *, details: bool) -> None:
    """A line per framework and job; with `details`, every finding too."""
    console.print(text_table(HEADINGS, [audit_cells(verdict) for verdict in ordered(verdicts)]))
    for why in dict.fromkeys(verdict.tolerance for verdict in verdicts if verdict.tolerance):
        say(console, f"Tolerance, relative to a plain PyTorch loop: {plain(why)}.", style="dim")
    if details:
        for verdict in ordered(verdicts):
            rows = [finding_cells(finding) for finding in verdict.findings]
            console.print(text_table(FINDING_HEADINGS, rows, f"{verdict.framework}, {section_of(verdict)}"))
