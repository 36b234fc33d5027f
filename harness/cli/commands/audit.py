"""`harness audit`: is it the same job?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.asked import choices_of, experiment_here, heed_signals, observer_on
from harness.cli.shared_options import (
    AllowBusy,
    Dataset,
    Frameworks,
    Methods,
    Profile,
    Recipe,
    Seed,
    Settings,
    StandIns,
    TextColumn,
    TorchBackend,
    Track,
)
from harness.errors import EXIT_NOT_OK

if TYPE_CHECKING:
    from harness.job.experiment import Experiment
    from harness.run.run_settings import RunSettings


def audit(
    ctx: typer.Context,
    frameworks: Frameworks = "all",
    methods: Methods = None,
    track: Track = "parity",
    recipe: Recipe = None,
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
    dataset: Dataset = None,
    text_column: TextColumn = None,
    details: Annotated[bool, typer.Option("--details", help="Print every finding: asked and got.")] = False,
    torch_backend: TorchBackend = "auto",
    allow_busy: AllowBusy = False,
    stand_ins: StandIns = True,
) -> None:
    """Prove, or disprove, that each framework trains the same job; times and records nothing.

    Every framework trains with hooks on its live model and optimizer. What they recorded is compared with the job and
    with a plain PyTorch loop.

    Example: python -m harness audit --frameworks unsloth,torchtune --method qlora --details
    """
    from harness.files.locations import cache_root
    from harness.run.run_settings import RunSettings

    experiment = experiment_here(choices_of(ctx.params))
    run_settings = RunSettings(
        cache=cache_root(), torch_backend=torch_backend, allow_busy=allow_busy, stand_ins=stand_ins
    )
    _audit(experiment, run_settings, details=details)


def _audit(experiment: Experiment, settings: RunSettings, *, details: bool) -> None:
    """Audit and print. After an interrupt, print the audits that have ended."""
    from harness.audit.verdict import PROVEN, Verdict
    from harness.cli.screens.blocks import print_blocks
    from harness.cli.screens.console import open_console
    from harness.errors import Interrupted
    from harness.job.plan import entries
    from harness.report.parts.proof import audited
    from harness.run.audits import audit_only

    console = open_console()
    heed_signals()
    verdicts: list[Verdict] = []
    try:
        with observer_on(console) as observer:
            for verdict in audit_only(experiment, settings, observer):
                verdicts.append(verdict)  # noqa: PERF402 - what has ended is kept when the rest is interrupted
    except KeyboardInterrupt as stopped:
        print_blocks(console, audited(verdicts), details=details)
        raise Interrupted(f"stopped; {len(verdicts)} of {len(entries(experiment))} audits had ended") from stopped
    print_blocks(console, audited(verdicts), details=details)
    if any(verdict.same_job not in PROVEN for verdict in verdicts):
        raise typer.Exit(EXIT_NOT_OK)
