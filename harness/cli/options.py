"""The options that commands share."""

from __future__ import annotations

import enum
import re
from pathlib import Path
from typing import Annotated

import typer


class StartOption(enum.StrEnum):
    """How a cell's process starts."""

    WARM = "warm"
    COLD = "cold"
    AHEAD = "ahead"


class FormatOption(enum.StrEnum):
    """The formats that `export` writes."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    PYTEST_BENCHMARK = "pytest-benchmark"


Frameworks = Annotated[str, typer.Option("--frameworks", help='"all", or names with commas (see `harness list`).')]
Methods = Annotated[
    str | None,
    typer.Option("--methods", "--method", help='"all", or some of lora,qlora,full; by default the profile\'s.'),
]
Track = Annotated[
    str,
    typer.Option(
        "--track", help='"parity": all knobs equal; "tuned": as each framework advises (recipes/tuned); or "all".'
    ),
]
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
    Path | None,
    typer.Option(
        "--dataset", help='A .txt file, .parquet or .jsonl with a "text" column, a folder of them, or save_to_disk\'s.'
    ),
]
TextColumn = Annotated[
    str | None, typer.Option("--text-column", metavar="NAME", help='The dataset\'s column to train on; "text".')
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Of the weights, the jobs and the order of the cells.")]
TorchBackend = Annotated[
    str,
    typer.Option(
        "--torch-backend", help='As uv names it: "cpu", "cu130", ...; "auto" takes a CPU build where there is no GPU.'
    ),
]
AllowBusy = Annotated[
    bool, typer.Option("--allow-busy", help="Use a GPU that other processes use too; the report says so.")
]
StandIns = Annotated[
    bool,
    typer.Option(
        "--stand-ins/--no-stand-ins",
        help="Whether seeded weights and Python's help texts stand in for a pinned model and text that cannot be had.",
    ),
]
Repeats = Annotated[int | None, typer.Option("--repeats", help="Processes per framework and method.")]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="SHARE", help="Go on until each ratio's interval is narrower, as in 2%."),
]
MaxRepeats = Annotated[int | None, typer.Option("--max-repeats", help="With --until: rounds at most; 30.")]
SmallestEffect = Annotated[
    str | None, typer.Option("--smallest-effect", metavar="SHARE", help="A smaller difference does not matter; 2%.")
]
Twin = Annotated[bool, typer.Option("--aa", help="Run the baseline twice: what difference shows where there is none?")]
Ceiling = Annotated[
    bool, typer.Option("--ceiling", help="Add what plain PyTorch reaches here, as a row of the tuned track.")
]
ClaimId = Annotated[
    str | None, typer.Option("--claim", metavar="ID", help="Run just what a published claim needs, and judge it.")
]
Output = Annotated[Path | None, typer.Option("--output", help="The run's folder, as in results/NAME.")]
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
OneMethod = Annotated[str, typer.Option("--method", help="lora, qlora or full.")]
SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*(MiB|GiB|MB|GB)$", re.IGNORECASE)
UNITS = {"mib": 2**20, "gib": 2**30, "mb": 10**6, "gb": 10**9}


def bytes_of(option: str, size: str) -> int:
    """Return the bytes of a size like 64MiB or 16GB. Raises RecipeError."""
    from harness.errors import RecipeError

    match = SIZE.match(size.strip())
    if match is None or not float(match[1]):
        raise RecipeError("command line", option, f"{size!r} must be a number with MiB, GiB, MB or GB, as in 64MiB")
    return int(float(match[1]) * UNITS[match[2].lower()])


RunArgument = Annotated[
    str | None, typer.Argument(metavar="[RUN]", help="A run's name in results/, or its folder; by default the newest.")
]
