"""Print the verdicts on claims."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from harness.cli.screens.console import plain, say
from harness.cli.screens.tables import text_table
from harness.report.parts.claims import FINDING_HEADINGS, HEADINGS, claim_rows, finding_rows, summary
from harness.studies.claims.judge import Judgement

STYLES = {"confirmed": "green", "refuted": "red", "partly": "yellow", "inconclusive": "yellow"}
VERDICT = HEADINGS.index("verdict")


def print_claims(console: Console, judgements: Sequence[Judgement], *, details: bool) -> None:
    """Print how many claims got which verdict and a row per claim; with `details` a row per figure too."""
    say(console, summary(judgements))
    table = Table(header_style="bold", show_lines=True)
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold", no_wrap=heading == "claim")
    for row in claim_rows(judgements):
        cells = [plain(cell) for cell in row]
        style = STYLES.get(row[VERDICT], "dim")
        cells[VERDICT] = f"[{style}]{cells[VERDICT]}[/{style}]"
        table.add_row(*cells)
    console.print(table)
    if details:
        console.print(text_table(FINDING_HEADINGS, finding_rows(judgements)))
