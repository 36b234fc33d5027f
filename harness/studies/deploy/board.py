"""What a small board would make of a file: does it fit, and how fast could it generate. A projection.

To generate a token, llama.cpp reads every weight once, and the cache of the tokens before it. So tokens per second are
at most bandwidth / bytes: the bound. This machine reaches a share of its own bound, by its own measured bandwidth. The
projection assumes that the board reaches the same share of its bound, by its published bandwidth. How wrong that may
be is shown by letting the same method predict one thread count of this machine from another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pydantic

from harness.analysis.estimates import Estimate, median_estimate
from harness.files.locations import RECIPES
from harness.files.yaml_files import Strict, read_yaml
from harness.job.job import Job
from harness.records.deployments import DeploymentRecord, GgufRecord
from harness.studies.deploy.quantizations import key_value_bytes_per_token
from harness.studies.deploy.workload import GENERATED_TOKENS, PROMPT_TOKENS

BOARDS = RECIPES / "boards.yaml"


class Board(Strict):
    """A small computer, by published figures."""

    name: str = pydantic.Field(min_length=1)
    names_itself: str = pydantic.Field(min_length=1)
    """How the model begins that the board's own system names."""
    memory_bytes: int = pydantic.Field(gt=0)
    reserved_bytes: int = pydantic.Field(ge=0)
    """Of its system."""
    threads: int = pydantic.Field(ge=1)
    read_bytes_per_second: float = pydantic.Field(gt=0)
    source: str = pydantic.Field(min_length=1)
    """Where the bandwidth is from."""
    published: str = ""
    """What others published about it."""


class _BoardsFile(Strict):
    boards: tuple[Board, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Projection:
    """A file on a board."""

    bound: float
    """Tokens per second at which the board's memory alone would end."""
    share: Estimate
    """What this machine reaches of its own bound."""
    tokens_per_second: Estimate
    """On the board, if it reaches the same share of its bound."""
    error: float | None
    """Predicted over measured tokens per second of all threads here, less 1, predicted from one thread."""


def boards(path: Path = BOARDS) -> tuple[Board, ...]:
    """Return the known boards; none without the file. Raises RecipeError."""
    if not path.is_file():
        return ()
    return read_yaml(path, _BoardsFile, what="a table of boards", sections=[Board]).boards


def projected(
    record: DeploymentRecord, file: GgufRecord, bandwidths: Mapping[int, float], board: Board
) -> Projection | None:
    """Return the projection of a file; None if it was not run, or this machine's bandwidth is not known."""
    bandwidth = bandwidths.get(record.threads)
    if not all(record.threads in run.generation_tokens_per_second for run in file.runs) or not file.runs:
        return None
    if bandwidth is None:
        return None
    read = bytes_read_per_token(record, file)
    rates = [run.generation_tokens_per_second[record.threads] for run in file.runs]
    share = median_estimate([rate * read / bandwidth for rate in rates])
    bound = board.read_bytes_per_second / read
    return Projection(
        bound=bound,
        share=share,
        tokens_per_second=_scaled(share, bound),
        error=_error(record, file, bandwidths),
    )


def bytes_read_per_token(record: DeploymentRecord, file: GgufRecord) -> float:
    """Return the bytes that a generated token reads in the timed runs: weights, and the cache half-way through them."""
    before = PROMPT_TOKENS + GENERATED_TOKENS / 2
    return file.bytes_per_token + before * key_value_bytes_per_token(Job.from_dict(record.job).shape)


def fits(file: GgufRecord, context: int, board: Board) -> bool | None:
    """True if the memory that a context took here leaves the board's system its own; None if it was not measured."""
    held = file.context_rss_bytes.get(context)
    return None if held is None else held + board.reserved_bytes <= board.memory_bytes


def _error(record: DeploymentRecord, file: GgufRecord, bandwidths: Mapping[int, float]) -> float | None:
    if record.threads == 1 or 1 not in bandwidths:
        return None
    one = median_estimate([run.generation_tokens_per_second[1] for run in file.runs]).value
    measured = median_estimate([run.generation_tokens_per_second[record.threads] for run in file.runs]).value
    return one * bandwidths[record.threads] / bandwidths[1] / measured - 1


def _scaled(estimate: Estimate, scale: float) -> Estimate:
    low, high = (None if bound is None else bound * scale for bound in (estimate.low, estimate.high))
    return Estimate(value=estimate.value * scale, low=low, high=high, n=estimate.n)
