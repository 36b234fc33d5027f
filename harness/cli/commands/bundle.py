"""`harness bundle`: what a machine without a network needs, in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.asked import choices_of
from harness.cli.shared_options import (
    Dataset,
    Frameworks,
    Methods,
    Profile,
    Recipe,
    Seed,
    Settings,
    TextColumn,
    bytes_of,
)


def bundle(
    ctx: typer.Context,
    base: Annotated[Path, typer.Option("--base", help="The node's packages, as `python3 -m pip freeze` prints them.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to make.")],
    frameworks: Frameworks = "all",
    python: Annotated[str, typer.Option("--python", help="The node's Python.")] = "3.12",
    platform: Annotated[
        str, typer.Option("--platform", help="manylinux (x86_64, glibc 2.28), or like manylinux_2_35_aarch64.")
    ] = "manylinux",
    max_size: Annotated[
        str | None, typer.Option("--max-size", metavar="SIZE", help="Refuse to make a larger one, as in 64MiB.")
    ] = None,
    recipe: Recipe = None,
    profile: Profile = "gpu",
    methods: Methods = "all",
    dataset: Dataset = None,
    text_column: TextColumn = None,
    seed: Seed = None,
    settings: Settings = None,
) -> None:
    """Gather, for a machine without a network, the wheels that its Python lacks, the tokenizer and the token blocks.

    It builds on the torch that the node has. INSTALL.txt in the folder says what to type there. Only known giants are
    slimmed: libraries for other CUDA versions, web studios.

    Example: python -m harness bundle --base PACKAGES.txt --out bundle --max-size 64MiB --dataset sample.txt
    """
    from harness.bundle.make import make_bundle
    from harness.bundle.target_node import read_node
    from harness.cli.screens.console import lines_on, open_console
    from harness.files.locations import cache_root
    from harness.job.recipe import resolve

    choices = choices_of(ctx.params)
    experiment = resolve(choices, gpu_present=profile == "gpu")
    node = read_node(base, python=python, platform=platform)
    most = None if max_size is None else bytes_of("--max-size", max_size)
    say = lines_on(open_console())
    made = make_bundle(experiment.frameworks, node, experiment, out=out, max_bytes=most, cache=cache_root(), say=say)
    held = len({wheel for overlay in made.manifest.overlays.values() for wheel in overlay.wheels})
    say(
        f"{made.path}: {held} wheels, {made.total_bytes / 2**20:.1f} MiB; {made.path / 'INSTALL.txt'} says how to go on"
    )
