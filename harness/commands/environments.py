"""`harness setup` and `harness doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from harness.commands.options import EXIT_NOT_OK, Frameworks, TorchBackend

if TYPE_CHECKING:
    from harness.environment.build import Progress


def setup(frameworks: Frameworks = "all", torch_backend: TorchBackend = "auto") -> None:
    """Build one virtual environment per framework from its committed lock.

    Done again it costs nothing; a changed lock rebuilds only its own. Exit status 1 if one could not be built.

    Example: python -m harness setup --frameworks axolotl,torchtune
    """
    from harness.environment.build import build_environments
    from harness.errors import EnvironmentBuildError
    from harness.locations import cache_root
    from harness.recipe import choose_frameworks
    from harness.report import units
    from harness.terminal.console import open_console

    console = open_console()

    def show(progress: Progress) -> None:
        said = {
            "found": "ready",
            "building": "installing",
            "built": f"installed in {units.seconds(progress.seconds)}",
            "failed": f"unavailable: {progress.reason}",
        }[progress.stage]
        console.print(f"{progress.framework}: {said}", soft_wrap=True, highlight=False, markup=False)

    built = build_environments(
        choose_frameworks(frameworks), torch_backend=torch_backend, cache=cache_root(), progress=show
    )
    if any(isinstance(one, EnvironmentBuildError) for one in built.values()):
        raise typer.Exit(EXIT_NOT_OK)


def doctor(torch_backend: TorchBackend = "auto") -> None:
    """Say what can run on this machine, and what is missing. Changes nothing.

    Exit status 1 if a run cannot work. Example: python -m harness doctor
    """
    from harness.doctor import examine
    from harness.locations import cache_root
    from harness.terminal.console import open_console
    from harness.terminal.tables import findings_table

    findings = examine(cache_root(), torch_backend)
    console = open_console()
    console.print(findings_table(findings))
    if any(finding.prevents_runs for finding in findings):
        raise typer.Exit(EXIT_NOT_OK)
