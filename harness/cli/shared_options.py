"""The options that commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

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
Output = Annotated[Path | None, typer.Option("--output", help="The run's folder, as in results/NAME.")]
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
