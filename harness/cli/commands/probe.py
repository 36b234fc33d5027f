"""`harness probe`: what each framework can do, and how much fits in a memory budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.asked import check_device, choices_of, experiment_here, heed_signals, new_run_path, observer_on
from harness.cli.shared_options import (
    AllowBusy,
    Dataset,
    Frameworks,
    OneMethod,
    Profile,
    Recipe,
    Seed,
    Settings,
    TextColumn,
    TorchBackend,
    Track,
    bytes_of,
)

if TYPE_CHECKING:
    from harness.job.experiment import Experiment
    from harness.records.searches import SizeName
    from harness.run.run_settings import RunSettings

CPU_BUDGET_BYTES = 4 * 2**30


def probe(
    ctx: typer.Context,
    capabilities: Annotated[
        str, typer.Option("--capabilities", metavar="NAMES", help='"all", or some, as in dora,packing,dpo,resume.')
    ] = "all",
    details: Annotated[bool, typer.Option("--details", help="Print what showed each ending.")] = False,
    max_context: Annotated[
        bool, typer.Option("--max-context", help="Find the longest sequence, one sequence at a time.")
    ] = False,
    max_batch: Annotated[
        bool, typer.Option("--max-batch", help="Find the largest micro batch at the job's sequence_length.")
    ] = False,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget", metavar="SIZES", help="With commas, as in 16GB,80GB; the GPU's memory, or 4GiB of RSS."
        ),
    ] = None,
    frameworks: Frameworks = "all",
    method: OneMethod = "qlora",
    track: Track = "parity",
    recipe: Recipe = None,
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
    dataset: Dataset = None,
    text_column: TextColumn = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="A run's folder, or a new one; tries that it holds are not repeated."),
    ] = None,
    torch_backend: TorchBackend = "auto",
    allow_busy: AllowBusy = False,
) -> None:
    """Find out what each framework can do by doing it in a short job, each in a fresh process.

    With --max-context or --max-batch: how much it can train within a memory budget, to about 2%. On a GPU torch's
    allocator is held to the budget, as on a smaller card; on a CPU the process is. Set shape.max_position_embeddings,
    with --set model=random, where the model's own limit is too short. What --output holds already is not tried again.

    Example: python -m harness probe --max-context --budget 16GB,80GB --set lora_rank=32
    """
    from harness.files.locations import cache_root
    from harness.run.run_settings import RunSettings

    run_settings = RunSettings(cache=cache_root(), torch_backend=torch_backend, allow_busy=allow_busy)
    if not (max_context or max_batch):
        _probe_capabilities(frameworks, profile, capabilities, output, run_settings, details=details)
        return
    sizes: dict[SizeName, bool] = {"sequence_length": max_context, "micro_batch_size": max_batch}
    searched = [name for name, is_asked in sizes.items() if is_asked]
    _search(searched, budget, experiment_here(choices_of(ctx.params)), output, run_settings)


def _search(
    sizes: list[SizeName], budget: str | None, experiment: Experiment, output: Path | None, settings: RunSettings
) -> None:
    """Find and print the largest sizes that fit."""
    from harness.cli.screens.blocks import print_blocks
    from harness.cli.screens.console import lines_on, open_console
    from harness.records.searches import SearchFile
    from harness.report.parts.studies import sizes as size_blocks
    from harness.studies.capacity.find import find_largest

    budgets = _budgets(budget, experiment.device)
    file = SearchFile(output or new_run_path(experiment))
    file.read()
    console = open_console()
    say = lines_on(console)
    heed_signals()
    with observer_on(console) as observer:
        find_largest(sizes, budgets, experiment, file, settings, observer, say)
    print_blocks(console, size_blocks(file.read()))
    say(f"Recorded in {file.path}")


def _probe_capabilities(
    frameworks: str, profile: str | None, names: str, output: Path | None, settings: RunSettings, *, details: bool
) -> None:
    from harness.cli.screens.blocks import print_blocks
    from harness.cli.screens.console import lines_on, open_console
    from harness.job.capabilities import choose_capabilities
    from harness.machine.gpu import gpu_is_present
    from harness.records.probes import ProbeFile
    from harness.report.parts.studies import abilities
    from harness.studies.probe.attempts import probe_all, short_experiment

    experiment = short_experiment(frameworks, gpu_present=gpu_is_present())
    check_device(experiment, profile)
    chosen = choose_capabilities(names)
    file = ProbeFile(output or new_run_path(experiment))
    file.read()
    console = open_console()
    say = lines_on(console)
    heed_signals()
    with observer_on(console) as observer:
        probe_all(experiment, chosen, file, settings, observer, say)
    print_blocks(console, abilities(file.read()), details=details)
    say(f"Recorded in {file.path}")


def _budgets(text: str | None, device: str) -> tuple[int, ...]:
    """Return the budgets in bytes; by default the GPU's memory, or 4 GiB. Raises RecipeError."""
    from harness.errors import RecipeError
    from harness.machine.host import memory_bytes_of

    has = memory_bytes_of(device)
    if text is None:
        return (has if device == "cuda" else min(has, CPU_BUDGET_BYTES),)
    budgets = tuple(bytes_of("--budget", size) for size in text.split(","))
    for budget in budgets:
        if budget > has:
            problem = f"{budget / 1e9:g} GB is more than the {has / 1e9:.1f} GB that are here"
            raise RecipeError("command line", "--budget", problem)
    return budgets
