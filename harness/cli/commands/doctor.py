"""`harness doctor`: what can run here, and what is missing."""

from __future__ import annotations

import typer

from harness.cli.options import TorchBackend
from harness.errors import EXIT_NOT_OK


def doctor(torch_backend: TorchBackend = "auto") -> None:
    """Say what can run on this machine, and what is missing. Changes nothing.

    Example: python -m harness doctor
    """
    from harness.cli.screens.console import open_console
    from harness.cli.screens.tables import findings_table
    from harness.files.locations import cache_root
    from harness.studies.doctor import examine

    findings = examine(cache_root(), torch_backend)
    console = open_console()
    console.print(findings_table(findings))
    if any(finding.prevents_runs for finding in findings):
        raise typer.Exit(EXIT_NOT_OK)
