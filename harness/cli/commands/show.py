"""`harness show`: the job as a framework's config."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from harness.cli.asked import check_gpu_name, choices_of
from harness.cli.shared_options import Dataset, OneMethod, Profile, Recipe, Seed, Settings, TextColumn, Track


def show(
    ctx: typer.Context,
    framework: Annotated[str, typer.Option("--framework", help="One framework.")],
    method: OneMethod = "lora",
    track: Track = "parity",
    recipe: Recipe = None,
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
    dataset: Dataset = None,
    text_column: TextColumn = None,
) -> None:
    """Print the job in a framework's own config, ready for the framework's own command.

    The config goes to standard output, the command to standard error. Prepares the inputs that it names.

    Example: python -m harness show --framework axolotl > axolotl.yaml
    """
    from harness.job.recipe import resolve
    from harness.machine.gpu import gpu_is_present
    from harness.studies.show import native_config, render

    choices = choices_of(ctx.params)
    experiment = resolve(choices, gpu_present=gpu_is_present())
    # The config of another machine can be shown here, but a GPU that CUDA_VISIBLE_DEVICES names must be here.
    check_gpu_name(experiment, profile)
    config = native_config(experiment, output_path="output")
    sys.stderr.write(f"# save as {config.filename} and, in {config.environment_path}, run:\n# {config.command}\n")
    sys.stdout.write(render(config))
