"""The command line: python -m harness COMMAND. Each command has a module in commands/."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Mapping
from typing import NoReturn

import typer

from harness.cli.commands.audit import audit
from harness.cli.commands.bundle import bundle
from harness.cli.commands.ceiling import ceiling
from harness.cli.commands.compare import compare
from harness.cli.commands.deploy import deploy
from harness.cli.commands.doctor import doctor
from harness.cli.commands.export import export
from harness.cli.commands.history import history
from harness.cli.commands.list import list_everything
from harness.cli.commands.matrix import matrix
from harness.cli.commands.probe import probe
from harness.cli.commands.report import report
from harness.cli.commands.run import run
from harness.cli.commands.setup import setup
from harness.cli.commands.show import show
from harness.cli.commands.verify import verify
from harness.cli.screens.streams import open_streams
from harness.errors import EXIT_INTERRUPTED, EXIT_USER

app = typer.Typer(
    name="harness",
    invoke_without_command=True,
    add_completion=False,
    # Otherwise --help would import all of rich to draw boxes.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
START = """\
Which framework fine-tunes fastest, and with how much memory? Type first:

  harness run                          compares all five on this machine
  harness report --html --open         shows the newest run's report
  harness verify                       checks published claims against it
  harness doctor                       says what can run here, and what is missing
  harness run --help                   explains the choices; harness --help lists every command
"""
"""What `harness` alone prints."""


@app.callback()
def start(ctx: typer.Context) -> None:
    """Benchmark LLM fine-tuning frameworks on the very same job.

    Example: python -m harness run
    """
    if ctx.invoked_subcommand is None:
        sys.stdout.write(START)


STATUSES: Mapping[Callable[..., None], str] = {
    run: "0 every cell is ok and the same job; 1 some is not, and the report is still written; "
    "75 its time was over (--within)",
    audit: "0 all train the same job; 1 some do not",
    ceiling: "0 every cell is ok; 1 some is not, and the report is still written",
    probe: "0 done, whatever the result",
    deploy: "0 every result went the whole way; 1 some did not",
    setup: "0 every environment is ready; 1 one could not be built",
    doctor: "0 a run can work here; 1 it cannot",
    bundle: "0 the bundle is whole",
    report: "0 written",
    compare: "0 every framework with figures in RUN_A was compared and none regressed; 1 one regressed; "
    "3 none did, but some could not be compared: missing, failed, or too few processes",
    history: "0 printed",
    verify: "0 judged; 1 with --strict, if any claim is refuted",
    matrix: "0 printed",
    show: "0 printed",
    export: "0 written",
    list_everything: "0 printed",
}
"""How each command may end besides 0 and the usual errors."""
FOR_ALL = f"{EXIT_USER} a mistake in what was asked; {EXIT_INTERRUPTED} interrupted"
for command, statuses in STATUSES.items():
    name = "list" if command is list_everything else command.__name__
    app.command(name, epilog=f"Exit status: {statuses}; {FOR_ALL}.")(command)


def main() -> None:
    """Run the command line. Here every error becomes one message and an exit status."""
    from harness.errors import HarnessError

    open_streams()
    try:
        app()
    except HarnessError as error:
        _fail(str(error), error.exit_status)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            _fail(f"no space left on the disk ({error.filename or 'while writing'}); free some and --resume", EXIT_USER)
        if error.filename:
            _fail(f"{error.filename}: {error.strerror}{_advice(str(error.filename))}", EXIT_USER)
        raise
    except KeyboardInterrupt:
        _fail("interrupted", EXIT_INTERRUPTED)


def _advice(path: str) -> str:
    from harness.files.locations import cache_root

    in_cache = path.startswith(str(cache_root())) or str(cache_root()).startswith(path)
    return "; HARNESS_CACHE=DIR chooses another folder for the cache" if in_cache else ""


def _fail(message: str, status: int) -> NoReturn:
    if message:
        sys.stderr.write(f"error: {message}\n" if status != EXIT_INTERRUPTED else f"{message}\n")
    sys.exit(status)
