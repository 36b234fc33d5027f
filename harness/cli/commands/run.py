"""`harness run`: from options to a recorded run and its report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.asked import check_device, experiment_here, heed_signals, new_run_path, observer_on
from harness.cli.commands.results import checked
from harness.cli.options import (
    EXIT_NOT_OK,
    AllowBusy,
    Dataset,
    Frameworks,
    Methods,
    Profile,
    Recipe,
    Seed,
    Settings,
    StandIns,
    StartOption,
    TextColumn,
    TorchBackend,
    Track,
)
from harness.cli.reproduce import Asked

if TYPE_CHECKING:
    from harness.job.experiment import Experiment
    from harness.job.recipe import Choices
    from harness.records.run_folder import RunFolder
    from harness.run.settings import Settings as RunSettings


def run(
    frameworks: Frameworks = "all",
    methods: Methods = None,
    repeats: Annotated[int | None, typer.Option("--repeats", help="Processes per framework and method.")] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="SHARE", help="Go on until each ratio's interval is narrower, as in 2%."),
    ] = None,
    max_repeats: Annotated[int | None, typer.Option("--max-repeats", help="With --until: rounds at most; 30.")] = None,
    smallest_effect: Annotated[
        str | None,
        typer.Option("--smallest-effect", metavar="SHARE", help="A smaller difference does not matter; 2%."),
    ] = None,
    aa: Annotated[
        bool, typer.Option("--aa", help="Run the baseline twice: what difference shows where there is none?")
    ] = False,
    track: Track = "parity",
    ceiling: Annotated[
        bool, typer.Option("--ceiling", help="Add what plain PyTorch reaches here, as a row of the tuned track.")
    ] = False,
    claim: Annotated[
        str | None, typer.Option("--claim", metavar="ID", help="Run just what a published claim needs, and judge it.")
    ] = None,
    recipe: Recipe = None,
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
    dataset: Dataset = None,
    text_column: TextColumn = None,
    output: Annotated[Path | None, typer.Option("--output", help="The run's folder, as in results/NAME.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Finish the run in --output, or the newest; repeats nothing.")
    ] = False,
    start: Annotated[
        StartOption,
        typer.Option(
            "--start",
            help="warm: fork each cell from an imported framework; cold: a new interpreter each; ahead: likewise, but "
            "those of the next cells import side by side first.",
        ),
    ] = StartOption.WARM,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Seconds after which a cell is killed.")] = None,
    silence: Annotated[
        float | None, typer.Option("--silence", help="Seconds without a word after which a cell is killed.")
    ] = None,
    within: Annotated[
        float | None,
        typer.Option("--within", metavar="SECONDS", help="End in time: begin no round that would not end. Then 75."),
    ] = None,
    audit: Annotated[
        bool, typer.Option("--audit/--no-audit", help="Whether to prove first that each framework trains the same job.")
    ] = True,
    torch_backend: TorchBackend = "auto",
    allow_busy: AllowBusy = False,
    stand_ins: StandIns = True,
) -> None:
    """Train the same job through every framework, prove that it was the same, record it and write the comparison.

    Sets up the environments and the inputs by itself.

    Example: python -m harness run --frameworks unsloth,transformers --methods lora,qlora --repeats 5
    """
    from harness.cli.commands.results import newest_run
    from harness.files.locations import cache_root
    from harness.job.recipe import Choices, resolve
    from harness.machine.gpu import gpu_is_present
    from harness.machine.host import training_threads
    from harness.records.run_folder import RunFolder
    from harness.run.settings import Settings as RunSettings

    typed = Choices(
        recipe=recipe,
        profile=profile,
        frameworks=frameworks,
        methods=methods,
        track=track,
        ceiling=ceiling,
        repeats=repeats,
        seed=seed,
        dataset=dataset,
        text_column=text_column,
        settings=tuple(settings or ()),
        timeout_seconds=timeout,
        silence_seconds=silence,
        aa=aa,
        until=until,
        max_repeats=max_repeats,
        smallest_effect=smallest_effect,
    )
    choices = typed if claim is None else needed_by(claim, typed, resume=resume)
    if resume:
        folder = RunFolder(output) if output else newest_run()
        as_recorded = choices == Choices()
        experiment = folder.read_run().experiment if as_recorded else resolve(choices, gpu_present=gpu_is_present())
        check_device(experiment, experiment.profile)
    else:
        experiment = experiment_here(choices)
        folder = RunFolder(output or new_run_path(experiment))
    asked = Asked(
        choices=typed,
        profile=experiment.profile,
        claim=claim,
        start=start,
        audit=audit,
        allow_busy=allow_busy,
        stand_ins=stand_ins,
    )
    run_settings = RunSettings(
        cache=cache_root(),
        torch_backend=torch_backend,
        start=start.value,
        resume=resume,
        audit=audit,
        allow_busy=allow_busy,
        stand_ins=stand_ins,
        seconds=within,
        command=asked.command(training_threads()),
    )
    carry_out(experiment, folder, run_settings, claim=claim)


def needed_by(claim: str, choices: Choices, *, resume: bool) -> Choices:
    """The command line's choices with those that a claim makes. Raises RecipeError."""
    import dataclasses

    from harness.errors import RecipeError
    from harness.studies.claims.choices import choices_for
    from harness.studies.claims.registry import choose_claims, read_claims

    chosen = choose_claims(read_claims(), claim)
    if len(chosen) > 1:
        known = ", ".join(one.id for one in chosen)
        raise RecipeError("command line", "--claim", f"{claim!r} is several: {known}; give one")
    made = choices_for(chosen[0])
    if resume or (choices.frameworks, choices.methods, choices.track) != ("all", None, "parity"):
        problem = "says frameworks, methods and track itself, and begins a run; leave out those options and --resume"
        raise RecipeError("command line", "--claim", problem)
    return dataclasses.replace(
        choices,
        frameworks=made.frameworks,
        methods=made.methods,
        track=made.track,
        tuned=made.tuned,
        settings=(*made.settings, *choices.settings),
    )


def carry_out(experiment: Experiment, folder: RunFolder, settings: RunSettings, *, claim: str | None = None) -> None:
    """Run, report, print, with a claim judge it. Raises typer.Exit where some cell was not ok or not the same job."""
    from harness.cli.screens.claims import print_claims
    from harness.cli.screens.console import open_console
    from harness.cli.screens.results import print_results
    from harness.report.pages.write import check_place, write_report
    from harness.run.run import execute
    from harness.studies.claims.verify import judgements

    check_place(folder)
    heed_signals()
    console = open_console()
    with observer_on(console) as observer:
        execute(experiment, folder, settings, observer)
    of = checked(folder)
    print_results(console, of)
    if claim is not None:
        print_claims(console, judgements([of], claim), details=True)
    (report_path,) = write_report([of])
    console.print(f"Report: {report_path}", soft_wrap=True, highlight=False, markup=False)
    if any(cell.outcome != "ok" or cell.same_job == "no" for cell in of.cells):
        raise typer.Exit(EXIT_NOT_OK)
