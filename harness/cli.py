"""The command line: python -m harness setup | doctor | run | report | list | show | export.

Every command imports what it needs when it runs, so that `--help` costs no more than its libraries.
"""

from __future__ import annotations

import enum
import errno
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from harness.environment.build import Progress
    from harness.recipe import Choices, Experiment
    from harness.record import RunFolder

EXIT_CELL_NOT_OK = 1
EXIT_USER = 2
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="harness",
    help="Benchmark LLM fine-tuning frameworks on the very same job.\n\nExample: python -m harness run",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class StartOption(enum.StrEnum):
    """How a cell's process comes to be."""

    WARM = "warm"
    COLD = "cold"


class FormatOption(enum.StrEnum):
    """What `export` writes."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


Frameworks = Annotated[str, typer.Option("--frameworks", help='"all", or names with commas (see `harness list`).')]
Recipe = Annotated[Path | None, typer.Option("--recipe", help="A recipe file; by default Qwen3-0.6B on FineWeb-Edu.")]
Profile = Annotated[
    str | None,
    typer.Option("--profile", help='A profile of the recipe ("gpu", "cpu"); by default what the machine has.'),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a value of the job, as in sequence_length=512; repeatable."
    ),
]
Dataset = Annotated[
    Path | None, typer.Option("--dataset", help='A .txt file, or .parquet or .jsonl with a "text" column.')
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Of the weights, the jobs and the order of the cells.")]
TorchBackend = Annotated[
    str,
    typer.Option(
        "--torch-backend", help='As uv names it: "cpu", "cu130", ...; "auto" takes a CPU build where there is no GPU.'
    ),
]
RunArgument = Annotated[
    str | None, typer.Argument(metavar="[RUN]", help="A run's name in results/, or its folder; by default the newest.")
]


@app.command()
def run(
    frameworks: Frameworks = "all",
    methods: Annotated[
        str | None, typer.Option("--methods", help='"all", or some of lora,qlora,full; by default the profile\'s.')
    ] = None,
    repeats: Annotated[int | None, typer.Option("--repeats", help="Processes per framework and method.")] = None,
    recipe: Recipe = None,
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
    dataset: Dataset = None,
    output: Annotated[Path | None, typer.Option("--output", help="The run's folder, as in results/NAME.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Finish the run in --output, or the newest; repeats nothing.")
    ] = False,
    start: Annotated[
        StartOption,
        typer.Option("--start", help="warm: fork each cell from an imported framework; cold: a new interpreter each."),
    ] = StartOption.WARM,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Seconds after which a cell is killed.")] = None,
    silence: Annotated[
        float | None, typer.Option("--silence", help="Seconds without a word after which a cell is killed.")
    ] = None,
    torch_backend: TorchBackend = "auto",
) -> None:
    """Train the same job through every framework, record it and write the comparison.

    Sets up the environments and the inputs by itself. Exit status: 0 all cells ok, 1 some cell not ok (the report is
    written all the same), 2 a mistake in what was asked, 130 interrupted.

    Example: python -m harness run --frameworks unsloth,transformers --methods lora,qlora --repeats 5
    """
    from harness.locations import cache_root
    from harness.recipe import Choices, resolve
    from harness.record import RunFolder
    from harness.report.write import write_report
    from harness.run import Settings as RunSettings
    from harness.run import execute
    from harness.terminal.progress import LiveObserver, PlainObserver
    from harness.terminal.tables import print_results

    choices = Choices(
        recipe=recipe,
        profile=profile,
        frameworks=frameworks,
        methods=methods,
        repeats=repeats,
        seed=seed,
        dataset=dataset,
        settings=tuple(settings or ()),
        timeout_seconds=timeout,
        silence_seconds=silence,
    )
    console = _console()
    gpu_present = _gpu_is_present()
    if resume:
        folder = RunFolder(output) if output else _newest_run()
        experiment = _recorded(folder) if choices == Choices() else resolve(choices, gpu_present=gpu_present)
    else:
        experiment = resolve(choices, gpu_present=gpu_present)
        folder = RunFolder(output or _new_run_path(experiment))
    _check_device(experiment, gpu_present)
    run_settings = RunSettings(
        cache=cache_root(),
        torch_backend=torch_backend,
        start=start.value,
        resume=resume,
        command=_command_of(choices, experiment, start),
    )
    signal.signal(signal.SIGTERM, _interrupt)
    with (LiveObserver if console.is_terminal else PlainObserver)(console) as observer:
        execute(experiment, folder, run_settings, observer)
    report_path = write_report(folder)
    print_results(console, folder)
    console.print(f"Report: {report_path}", soft_wrap=True, highlight=False)
    if any(record["outcome"] != "ok" for record in folder.read_records()):
        raise typer.Exit(EXIT_CELL_NOT_OK)


@app.command()
def setup(frameworks: Frameworks = "all", torch_backend: TorchBackend = "auto") -> None:
    """Build one virtual environment per framework from its committed lock.

    Done again it costs nothing; a changed lock rebuilds only its own. Exit status 1 if one could not be built.

    Example: python -m harness setup --frameworks axolotl,torchtune
    """
    from harness.environment.build import build_environments
    from harness.errors import EnvironmentBuildError
    from harness.locations import cache_root
    from harness.recipe import choose_frameworks
    from harness.report import units

    console = _console()

    def show(progress: Progress) -> None:
        said = {
            "found": "ready",
            "building": "installing",
            "built": f"installed in {units.seconds(progress.seconds)}",
            "failed": f"unavailable: {progress.reason}",
        }[progress.stage]
        console.print(f"{progress.framework}: {said}", soft_wrap=True, highlight=False, markup=False)

    built = build_environments(
        choose_frameworks(frameworks), torch_backend=torch_backend, cache=cache_root(), progress=show
    )
    if any(isinstance(one, EnvironmentBuildError) for one in built.values()):
        raise typer.Exit(EXIT_CELL_NOT_OK)


@app.command()
def doctor(torch_backend: TorchBackend = "auto") -> None:
    """Say what can run on this machine, and what is missing. Changes nothing.

    Exit status 1 if a run cannot work. Example: python -m harness doctor
    """
    from harness.doctor import examine
    from harness.locations import cache_root
    from harness.terminal.tables import findings_table

    findings = examine(cache_root(), torch_backend)
    console = _console()
    console.print(findings_table(findings))
    if any(finding.prevents_runs for finding in findings):
        raise typer.Exit(EXIT_CELL_NOT_OK)


@app.command()
def report(
    run_name: RunArgument = None,
    terminal: Annotated[bool, typer.Option("--terminal", help="Print the tables instead of writing the file.")] = False,
) -> None:
    """Write reports/<run>.md from recorded results; the same results give the same file.

    Example: python -m harness report results/my-run
    """
    from harness.report.write import write_report
    from harness.terminal.tables import print_results

    folder = _run_named(run_name)
    console = _console()
    if terminal:
        print_results(console, folder)
    else:
        console.print(str(write_report(folder)), soft_wrap=True, highlight=False, markup=False)


@app.command("list")
def list_everything() -> None:
    """List frameworks, recipes with their profiles, and recorded runs. Example: python -m harness list"""
    from harness.locations import RECIPES
    from harness.recipe import read_recipe
    from harness.record import runs_in
    from harness.terminal.tables import pairs_table

    console = _console()
    console.print("Frameworks", style="bold")
    console.print(pairs_table(_pinned_versions()))
    console.print("Recipes", style="bold")
    recipes = {path.stem: ", ".join(read_recipe(path).profiles) for path in sorted(RECIPES.glob("*.yaml"))}
    console.print(pairs_table(recipes))
    console.print("Runs in results/", style="bold")
    runs = {folder.path.name: f"{len(folder.recorded_cells())} cells" for folder in runs_in(Path("results"))}
    console.print(pairs_table(runs or {"none": ""}))


@app.command()
def show(
    framework: Annotated[str, typer.Option("--framework", help="One framework.")],
    method: Annotated[str, typer.Option("--method", help="lora, qlora or full.")] = "lora",
    recipe: Recipe = None,
    profile: Profile = None,
    seed: Seed = None,
    settings: Settings = None,
    dataset: Dataset = None,
) -> None:
    """Print the job in a framework's own config, ready for the framework's own command.

    The config goes to standard output, the command to standard error. Prepares the inputs that it names.

    Example: python -m harness show --framework axolotl > axolotl.yaml
    """
    from harness.recipe import Choices, resolve
    from harness.show import native_config, render

    choices = Choices(
        recipe=recipe,
        profile=profile,
        frameworks=framework,
        methods=method,
        seed=seed,
        dataset=dataset,
        settings=tuple(settings or ()),
    )
    config = native_config(resolve(choices, gpu_present=_gpu_is_present()), output_path="output")
    sys.stderr.write(f"# save as {config.filename} and, in {config.environment_path}, run:\n# {config.command}\n")
    sys.stdout.write(render(config))


@app.command()
def export(
    run_name: RunArgument = None,
    format_: Annotated[FormatOption, typer.Option("--format", help="One flat record a cell.")] = FormatOption.JSON,
    output: Annotated[Path | None, typer.Option("--output", help="A file; by default standard output.")] = None,
) -> None:
    """Print one flat record per cell, for any other tool.

    Example: python -m harness export --format csv my-run > cells.csv
    """
    from harness.errors import RecipeError
    from harness.record import load_frame

    frame = load_frame(_run_named(run_name).path)
    if format_ is FormatOption.PARQUET:
        if output is None:
            raise RecipeError("command line", "--output", "is needed for parquet, which is not text")
        with output.open("wb") as file:
            frame.to_parquet(file, index=False)
        return
    if format_ is FormatOption.CSV:
        text = frame.to_csv(index=False)
    else:
        text = frame.to_json(orient="records", indent=2, double_precision=15) + "\n"
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")


def main() -> None:
    """Run the command line; every error becomes one message and an exit status here."""
    from harness.errors import HarnessError

    try:
        app()
    except HarnessError as error:
        _fail(str(error), error.exit_status)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            _fail(f"no space left on the disk ({error.filename or 'while writing'}); free some and --resume", EXIT_USER)
        if error.errno == errno.EPIPE:
            _fail("", EXIT_CELL_NOT_OK)
        if error.filename:
            _fail(f"{error.filename}: {error.strerror}", EXIT_USER)
        raise
    except KeyboardInterrupt:
        _fail("interrupted", EXIT_INTERRUPTED)


def _fail(message: str, status: int) -> NoReturn:
    if message:
        sys.stderr.write(f"error: {message}\n" if status != EXIT_INTERRUPTED else f"{message}\n")
    sys.exit(status)


def _console() -> Console:
    from rich.console import Console

    console = Console()
    # A pipe has no width: rich's 80 columns would break lines that another program reads.
    return console if console.is_terminal else Console(width=160)


def _gpu_is_present() -> bool:
    from harness.measure.gpu import gpu_is_present

    return gpu_is_present()


def _check_device(experiment: Experiment, gpu_present: bool) -> None:
    from harness.errors import RecipeError

    if experiment.device == "cuda" and not gpu_present:
        problem = f"{experiment.profile!r} needs an NVIDIA GPU, and NVML finds none; --profile cpu runs here"
        raise RecipeError("command line", "--profile", problem)


def _new_run_path(experiment: Experiment) -> Path:
    import datetime

    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    return Path("results") / f"{now}-{experiment.profile}"


def _recorded(folder: RunFolder) -> Experiment:
    from harness.recipe import Experiment

    return Experiment.from_dict(folder.read_run()["experiment"])


def _newest_run() -> RunFolder:
    from harness.errors import RunFolderError
    from harness.record import runs_in

    runs = runs_in(Path("results"))
    if not runs:
        raise RunFolderError("results/ holds no run yet; start one with: python -m harness run")
    return runs[-1]


def _run_named(name: str | None) -> RunFolder:
    from harness.errors import RunFolderError
    from harness.record import RunFolder

    if name is None:
        return _newest_run()
    for path in (Path(name), Path("results") / name):
        if RunFolder(path).exists():
            return RunFolder(path)
    raise RunFolderError(f"{name}: no such run, neither as a folder nor in results/; `harness list` shows them")


def _pinned_versions() -> dict[str, Any]:
    from harness.environment.locks import lock_of, pinned_version
    from harness.frameworks import FRAMEWORKS, load_adapter
    from harness.locations import ADAPTERS

    return {name: pinned_version(lock_of(name, ADAPTERS), load_adapter(name).package) for name in FRAMEWORKS}


def _command_of(choices: Choices, experiment: Experiment, start: StartOption) -> str:
    """The command that asks for the same experiment again, on any machine."""
    from harness.measure.host import training_threads

    words = ["python", "-m", "harness", "run", "--frameworks", choices.frameworks, "--profile", experiment.profile]
    options = {
        "--recipe": choices.recipe,
        "--methods": choices.methods,
        "--repeats": choices.repeats,
        "--seed": choices.seed,
        "--dataset": choices.dataset,
        "--timeout": choices.timeout_seconds,
        "--silence": choices.silence_seconds,
        "--start": start.value if start is not StartOption.WARM else None,
    }
    for option, value in options.items():
        if value is not None:
            words += [option, str(value)]
    for setting in choices.settings:
        words += ["--set", setting]
    return f"OMP_NUM_THREADS={training_threads()} {shlex.join(words)}"


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
