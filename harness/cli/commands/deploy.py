"""`harness deploy`: what becomes of each framework's result after training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.asked import check_device, choices_of, experiment_here, heed_signals, observer_on
from harness.cli.runs import run_named
from harness.cli.shared_options import (
    AllowBusy,
    Dataset,
    Frameworks,
    Methods,
    Profile,
    Recipe,
    RunArgument,
    Seed,
    Settings,
    StandIns,
    TextColumn,
    TorchBackend,
)

if TYPE_CHECKING:
    from harness.job.experiment import Experiment
    from harness.records.run_folder import RunFolder

REPEATS = 5
TIMEOUT_SECONDS = 3600.0


def deploy(
    ctx: typer.Context,
    run: RunArgument = None,
    frameworks: Frameworks = "all",
    methods: Methods = None,
    quantize: Annotated[
        str, typer.Option("--quantize", metavar="NAMES", help="GGUF formats with commas, as in f16,q8_0,q4_k_m.")
    ] = "f16,q8_0,q4_k_m",
    threads: Annotated[
        int | None, typer.Option("--threads", help="Of llama.cpp; by default as many as the machine lets it use.")
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, help="Runs of each file, each in a fresh process.")
    ] = REPEATS,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Whether the GGUF files stay in the cache.")] = True,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, metavar="SECONDS", help="Longest time of one process.")
    ] = TIMEOUT_SECONDS,
    on_pi: Annotated[
        Path | None,
        typer.Option("--on-pi", metavar="DIR", help="Write a folder to run on a Raspberry Pi; measures nothing here."),
    ] = None,
    measured: Annotated[
        Path | None,
        typer.Option("--measured", metavar="FILE", help="Take in what the Pi wrote; measures nothing here."),
    ] = None,
    recipe: Recipe = None,
    profile: Profile = None,
    settings: Settings = None,
    dataset: Dataset = None,
    text_column: TextColumn = None,
    seed: Seed = None,
    torch_backend: TorchBackend = "auto",
    stand_ins: StandIns = True,
    allow_busy: AllowBusy = False,
) -> None:
    """Export each framework's result, convert it to GGUF, and run it with llama.cpp on this CPU.

    Every result is trained first: the job of RUN, shortened or changed with --set; --profile or --recipe give another
    job. The report of RUN gets the part "After training". What RUN holds already is not done again.

    Example: python -m harness deploy my-run --methods qlora --quantize q8_0,q4_k_m
    """
    folder = run_named(run)
    if on_pi is not None or measured is not None:
        _elsewhere(folder, on_pi, measured, frameworks, methods, quantize)
        return
    from harness.cli.screens.blocks import print_blocks
    from harness.cli.screens.console import lines_on, open_console
    from harness.files.locations import cache_root
    from harness.machine.host import describe_host, usable_threads
    from harness.records.deployments import DeploymentFile
    from harness.report.parts.studies import after_training
    from harness.run.run_settings import RunSettings
    from harness.studies.deploy.deploy import DeploySettings, deploy_all
    from harness.studies.deploy.quantizations import choose_quantizations
    from harness.studies.deploy.room import check_room, check_shapes, check_threads

    chosen = choose_quantizations(quantize)
    used = usable_threads() if threads is None else threads
    check_threads(used)
    experiment = _experiment(ctx, folder)
    check_shapes(experiment, chosen)
    file = DeploymentFile(folder.path)
    file.check(describe_host().processor, experiment.jobs.values())
    run_settings = RunSettings(
        cache=cache_root(), torch_backend=torch_backend, stand_ins=stand_ins, allow_busy=allow_busy
    )
    check_room(experiment, chosen, run_settings.cache, file.read(), keep=keep)
    console = open_console()
    say = lines_on(console)
    heed_signals()
    asked = DeploySettings(quantizations=chosen, threads=used, repeats=repeats, keep=keep, timeout_seconds=timeout)
    with observer_on(console) as observer:
        made = deploy_all(experiment, asked, file, run_settings, observer, say)
    print_blocks(console, after_training(file.read()))
    say(f"Recorded in {file.path}; `python -m harness report {folder.name}` has it in its report")
    if any(record.stopped for record in made):
        raise typer.Exit(1)


def _experiment(ctx: typer.Context, folder: RunFolder) -> Experiment:
    """Return what to train: the run's experiment with the command line's changes, or another recipe's.

    Raises RecipeError.
    """
    from harness.job.recipe import changed

    # These two options are of the runs of llama.cpp, not of training cells.
    choices = choices_of(ctx.params, repeats=None, timeout_seconds=None)
    if choices.recipe is not None or choices.profile is not None:
        return experiment_here(choices)
    experiment = changed(folder.read_run().experiment, choices)
    check_device(experiment, experiment.profile)
    return experiment


def _elsewhere(
    folder: RunFolder, on_pi: Path | None, measured: Path | None, frameworks: str, methods: str | None, quantize: str
) -> None:
    """Write a folder for another machine, or take in what it measured. Raises RunFolderError and RecipeError."""
    from harness.cli.screens.console import lines_on, open_console
    from harness.errors import RecipeError
    from harness.files.locations import cache_root
    from harness.job.chosen_names import choose_frameworks, choose_methods
    from harness.records.deployments import DeploymentFile
    from harness.studies.deploy.board import boards
    from harness.studies.deploy.elsewhere import SCRIPT, chosen_result, read_measured, write_for_board
    from harness.studies.deploy.quantizations import choose_quantizations

    say = lines_on(open_console())
    file = DeploymentFile(folder.path)
    found = file.read()
    if measured is not None:
        taken = read_measured(measured, found)
        file.add_measured(taken)
        say(f"Took in {len(taken)} files measured on {taken[0].board}")
    if on_pi is not None:
        board = next(iter(boards()), None)
        if board is None:
            raise RecipeError("recipes/boards.yaml", None, "names no board")
        formats = [one.name for one in choose_quantizations(quantize)]
        record = chosen_result(found, choose_frameworks(frameworks), choose_methods(methods or "all"), formats)
        write_for_board(found, record, formats, board, cache_root(), on_pi)
        say(f"{on_pi} holds {record.title}; run python3 {SCRIPT} there, and bring back measured.json")
