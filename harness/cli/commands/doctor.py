"""`harness doctor`: what can run here, and what is missing."""

from __future__ import annotations

import typer

from harness.cli.shared_options import TorchBackend
from harness.errors import EXIT_NOT_OK


def doctor(torch_backend: TorchBackend = "auto") -> None:
    """Say what can run on this machine, and what is missing. Changes nothing.

    Example: python -m harness doctor
    """
    from harness.cli.screens.blocks import print_blocks
    from harness.cli.screens.console import open_console
    from harness.files.locations import cache_root
    from harness.report.parts.blocks import Table
    from harness.studies.doctor import examine

    checks = examine(cache_root(), torch_backend)
    rows = [(check.subject, check.found, check.advice) for check in checks]
    print_blocks(open_console(), [Table(headings=("", "found", "advice"), rows=rows)])
    if any(check.prevents_runs for check in checks):
        raise typer.Exit(EXIT_NOT_OK)
