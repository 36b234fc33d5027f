"""`harness run`: from options to a recorded run and its report."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.asked import check_device, experiment_here, heed_signals, new_run_path, observer_on
from harness.cli.reproduce import Asked, StartOption
from harness.cli.runs import checked
from harness.cli.shared_options import (
    AllowBusy,
    Dataset,
    Frameworks,
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
    Track,
)
from harness.errors import EXIT_NOT_OK
from harness.job.experiment import MOST_REPEATS, SMALLEST_EFFECT

if TYPE_CHECKING:
    from harness.job.experiment import Experiment
    from harness.job.recipe import Choices
    from harness.records.run_folder import RunFolder
    from harness.run.run_settings import RunSettings

Until = Annotated[
    str | None,
    typer.Option("--until", metavar="SHARE", help="Go on until each ratio's interval is narrower, as in 2%."),
]
MaxRepeats = Annotated[int | None, typer.Option("--max-repeats", help=f"With --until: rounds at most; {MOST_REPEATS}.")]
SmallestEffect = Annotated[
    str | None,
    typer.Option(
        "--smallest-effect", metavar="SHARE", help=f"A smaller difference does not matter; {SMALLEST_EFFECT:.0%}."
    ),
]
Twin = Annotated[bool, typer.Option("--aa", help="Run the baseline twice: what difference shows where there is none?")]
Ceiling = Annotated[
    bool, typer.Option("--ceiling", help="Add what plain PyTorch reaches here, as a row of the tuned track.")
]
ClaimId = Annotated[
    str | None, typer.Option("--claim", metavar="ID", help="Run just what a published claim needs, and judge it.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Finish the run in --output, or the newest; repeats nothing.")]
StartWay = Annotated[
    StartOption,
    typer.Option(
        "--start",
        help="warm: fork each cell from an imported framework; cold: a new interpreter each; ahead: likewise, but "
        "those of the next cells import side by side first.",
    ),
]
Timeout = Annotated[float | None, typer.Option("--timeout", help="Seconds after which a cell is killed.")]
Silence = Annotated[
    float | None, typer.Option("--silence", help="Seconds without a word after which a cell is killed.")
]
Within = Annotated[
    float | None,
    typer.Option("--within", metavar="SECONDS", help="End in time: begin no round that would not end. Then 75."),
]
Audited = Annotated[
    bool, typer.Option("--audit/--no-audit", help="Whether to prove first that each framework trains the same job.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the report's path and nothing else; for scripts.")]


def run(
    ctx: typer.Context,
    frameworks: Frameworks = "all",
    methods: Methods = None,
    repeats: Repeats = None,
    until: Until = None,
    max_repeats: MaxRepeats = None,
    smallest_effect: SmallestEffect = None,
    aa: Twin = False,
    track: Track = "parity",
    ceiling: Ceiling = False,
    claim: ClaimId = None,
    recipe: Recipe = None,
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
    dataset: Dataset = None,
    text_column: TextColumn = None,
    output: Output = None,
    resume: Resume = False,
    start: StartWay = StartOption.WARM,
    timeout: Timeout = None,
    silence: Silence = None,
    within: Within = None,
    audit: Audited = True,
    torch_backend: TorchBackend = "auto",
    allow_busy: AllowBusy = False,
    stand_ins: StandIns = True,
    quiet: Quiet = False,
) -> None:
    """Train the same job through every framework, prove that it was the same, record it and write the comparison.

    Sets up the environments and the inputs by itself. Ends with the answer and the report's path.

    Example: python -m harness run --frameworks unsloth,transformers --methods lora,qlora --repeats 5
    """
    asked = Asked.from_options(ctx.params)
    choices = asked.choices if claim is None else needed_by(claim, asked.choices, resume=resume)
    folder, experiment = _resumed(choices, output) if resume else _begun(choices, output)
    run_settings = _settings(asked, experiment, resume=resume, seconds=within, torch_backend=torch_backend)
    carry_out(experiment, folder, run_settings, claim=claim, quiet=quiet)


def _begun(choices: Choices, output: Path | None) -> tuple[RunFolder, Experiment]:
    from harness.records.run_folder import RunFolder

    experiment = experiment_here(choices)
    return RunFolder(output or new_run_path(experiment)), experiment


def _resumed(choices: Choices, output: Path | None) -> tuple[RunFolder, Experiment]:
    """Return the run in `output`, or the newest, and its experiment; another one is kept, for the run to refuse."""
    from harness.cli.runs import newest_run
    from harness.job.recipe import Choices, resolve
    from harness.machine.gpu import gpu_is_present
    from harness.records.run_folder import RunFolder

    folder = RunFolder(output) if output else newest_run()
    as_recorded = choices == Choices()
    experiment = folder.read_run().experiment if as_recorded else resolve(choices, gpu_present=gpu_is_present())
    check_device(experiment, experiment.profile)
    return folder, experiment


def _settings(
    asked: Asked, experiment: Experiment, *, resume: bool, seconds: float | None, torch_backend: str
) -> RunSettings:
    from harness.files.locations import cache_root
    from harness.machine.host import training_threads
    from harness.run.run_settings import RunSettings

    return RunSettings(
        cache=cache_root(),
        torch_backend=torch_backend,
        start=asked.start.value,
        resume=resume,
        audit=asked.audit,
        allow_busy=asked.allow_busy,
        stand_ins=asked.stand_ins,
        seconds=seconds,
        command=dataclasses.replace(asked, profile=experiment.profile).command(training_threads()),
    )


def needed_by(claim: str, choices: Choices, *, resume: bool) -> Choices:
    """Return the command line's choices together with those of a claim. Raises RecipeError."""
    from harness.errors import RecipeError
    from harness.studies.claims.choices import choices_for
    from harness.studies.claims.registry import choose_claims, read_claims

    chosen = choose_claims(read_claims(), claim)
    if len(chosen) > 1:
        known = ", ".join(claim.id for claim in chosen)
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


def carry_out(
    experiment: Experiment,
    folder: RunFolder,
    settings: RunSettings,
    *,
    claim: str | None = None,
    quiet: bool = False,
) -> None:
    """Run, report, print, and judge the claim if any. Raises typer.Exit if a cell failed or was another job.

    `quiet`: print the report's path and nothing else.
    """
    from harness.cli.screens.blocks import print_blocks, print_report
    from harness.cli.screens.console import lines_on, open_console
    from harness.report.pages.write import check_place, write_report
    from harness.report.parts import claims
    from harness.report.parts.report import summary_of
    from harness.run.run import execute
    from harness.studies.claims.verify import judgements

    check_place(folder)
    heed_signals()
    console = open_console()
    with observer_on(console, quiet=quiet) as observer:
        execute(experiment, folder, settings, observer)
    run = checked(folder)
    if not quiet:
        print_report(console, summary_of(run))
    if claim is not None and not quiet:
        print_blocks(console, claims.blocks(judgements([run], claim)), details=True)
    (report_path,) = write_report([run])
    lines_on(console)(f"{report_path}" if quiet else f"Report: {report_path}")
    if any(cell.outcome != "ok" or cell.same_job == "no" for cell in run.cells):
        raise typer.Exit(EXIT_NOT_OK)
