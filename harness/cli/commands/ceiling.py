"""`harness ceiling`: what plain PyTorch reaches on this machine."""

from __future__ import annotations

import dataclasses

import typer

from harness.cli.asked import choices_of, experiment_here, new_run_path
from harness.cli.shared_options import (
    AllowBusy,
    Dataset,
    Methods,
    Output,
    Profile,
    Recipe,
    Repeats,
    Seed,
    Settings,
    StandIns,
    TextColumn,
    TorchBackend,
)


def ceiling(
    ctx: typer.Context,
    methods: Methods = None,
    repeats: Repeats = None,
    recipe: Recipe = None,
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
    dataset: Dataset = None,
    text_column: TextColumn = None,
    output: Output = None,
    torch_backend: TorchBackend = "auto",
    allow_busy: AllowBusy = False,
    stand_ins: StandIns = True,
) -> None:
    """Measure the practical limit of this machine: the job in plain PyTorch, on a GPU compiled, its logits never whole.

    Not a framework. `run --track all --ceiling` measures it among the frameworks and compares them with it.

    Example: python -m harness ceiling --methods lora --repeats 5
    """
    from harness.cli.commands.run import carry_out
    from harness.files.locations import cache_root
    from harness.job.frameworks import CEILING
    from harness.records.run_folder import RunFolder
    from harness.run.run_settings import RunSettings

    choices = choices_of(ctx.params, track="tuned", ceiling=True)
    among_all = experiment_here(choices)
    alone = {CEILING: among_all.tunings[CEILING]}
    experiment = dataclasses.replace(among_all, frameworks=(), tunings=alone)
    run_settings = RunSettings(
        cache=cache_root(),
        torch_backend=torch_backend,
        allow_busy=allow_busy,
        stand_ins=stand_ins,
        command="python -m harness ceiling",
    )
    carry_out(experiment, RunFolder(output or new_run_path(experiment)), run_settings)
