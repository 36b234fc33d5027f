"""`harness setup`: the frameworks' environments."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.shared_options import Frameworks, TorchBackend
from harness.errors import EXIT_NOT_OK

if TYPE_CHECKING:
    from harness.environment.environment import Progress


def setup(
    frameworks: Frameworks = "all",
    torch_backend: TorchBackend = "auto",
    offline: Annotated[bool, typer.Option("--offline", help="Install from --bundle, on --interpreter.")] = False,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="A folder that `harness bundle` made.")] = None,
    interpreter: Annotated[
        Path | None, typer.Option("--interpreter", help="The node's Python, with torch in it; by default this one.")
    ] = None,
) -> None:
    """Build one virtual environment per framework from its committed lock; or, offline, one overlay from a bundle.

    Done again it costs nothing; a changed lock rebuilds only its own. What was set up last, environments or overlays,
    is what every later command uses.

    Example: python -m harness setup --frameworks axolotl,torchtune

    On a node without a network: python -m harness setup --offline --bundle DIR --interpreter /usr/bin/python3
    """
    from harness.cli.screens.console import lines_on, open_console
    from harness.environment.build import build_environments
    from harness.environment.bundle_manifest import TOKENIZER
    from harness.environment.overlays import forget_overlays, install_overlays
    from harness.errors import BundleError, EnvironmentBuildError
    from harness.files.locations import cache_root
    from harness.job.chosen_names import choose_frameworks
    from harness.prepare.tokenizer import install_tokenizer

    console = open_console()
    print_line = lines_on(console)

    def show(progress: Progress) -> None:
        print_line(_line_of(progress))

    chosen, cache = choose_frameworks(frameworks), cache_root()
    if offline != (bundle is not None):
        raise BundleError("--offline and --bundle DIR go together")
    if bundle is not None:
        python = interpreter or Path(sys.executable)
        built = install_overlays(chosen, bundle, python, cache=cache, progress=show)
        install_tokenizer(bundle / TOKENIZER, cache)
    else:
        if interpreter is not None:
            raise BundleError("--interpreter goes with --offline; environments of their own are built otherwise")
        forget_overlays(cache)
        built = build_environments(chosen, torch_backend=torch_backend, cache=cache, progress=show)
    if any(isinstance(outcome, EnvironmentBuildError) for outcome in built.values()):
        raise typer.Exit(EXIT_NOT_OK)


def _line_of(progress: Progress) -> str:
    """Return a line about what has just happened to an environment."""
    from harness.text import units

    stages = {
        "found": "ready",
        "building": "installing",
        "built": f"installed in {units.seconds(progress.seconds)}",
        "failed": f"unavailable: {progress.reason}",
    }
    return f"{progress.framework}: {stages[progress.stage]}"
