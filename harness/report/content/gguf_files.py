"""GGUF files as text: size, speed, memory, what quantization costs, and what a small board would make of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.analysis.estimates import Estimate, median_estimate
from harness.job.job import Job
from harness.records.deployments import DeploymentRecord, Deployments, GgufRecord
from harness.report.content.comparison_words import interval_text
from harness.studies.deploy.board import Board, fits, projected
from harness.studies.deploy.learned import has_learned
from harness.studies.deploy.workload import CONTEXT_SIZES
from harness.text import units

FORMAT_HEADINGS = (
    "format",
    "size",
    "bits a weight",
    "tokens/s",
    "prompt tokens/s",
    "first token",
    "peak memory",
    "perplexity",
    "KL",
    "same next token",
)
FILE_HEADINGS = ("result", *FORMAT_HEADINGS)
MEASURED_HEADINGS = ("board", "format", "threads", "tokens/s", "prompt tokens/s", "first token", "peak memory")
BOUND, PROJECTED = "bound, tokens/s", "projected, tokens/s"
RANDOM = "random"
"""Stands for a loss figure of weights that nobody trained."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SameFormat:
    """The files of one format of models of one shape: size and speed do not depend on the weights."""

    name: str
    files: Sequence[tuple[DeploymentRecord, GgufRecord]]

    @property
    def first_run(self) -> tuple[DeploymentRecord, GgufRecord]:
        """The first file that was run; the first of all if none was."""
        return next((one for one in self.files if one[1].runs), self.files[0])

    def over_runs(self, figure: Callable[[DeploymentRecord, GgufRecord], Sequence[float]]) -> Estimate | None:
        """Return the median over all runs of all files, with its interval; None without runs."""
        values = [value for record, file in self.files for value in figure(record, file)]
        return median_estimate(values) if values else None


def same_formats(found: Deployments) -> list[SameFormat]:
    """Return the formats, by thread count if there are several, largest file first."""
    files: dict[tuple[str, int], list[tuple[DeploymentRecord, GgufRecord]]] = {}
    for record in found.results:
        for file in record.files:
            files.setdefault((file.quantization, record.threads), []).append((record, file))
    several = len({threads for _, threads in files}) > 1
    formats = [
        SameFormat(name=f"{name}, {threads} threads" if several else name, files=same)
        for (name, threads), same in files.items()
    ]
    return sorted(formats, key=lambda one: -one.files[0][1].bytes)


def parameters_of(record: DeploymentRecord) -> int:
    """Return how many parameters a result's model has."""
    return Job.from_dict(record.job).shape.parameters


def format_rows(found: Deployments) -> list[tuple[str, ...]]:
    """Return a row per format over the files of all results, in the order of FORMAT_HEADINGS."""
    return [_row(one) for one in same_formats(found)]


def file_rows(found: Deployments) -> list[tuple[str, ...]]:
    """Return a row per file, in the order of FILE_HEADINGS."""
    return [
        (record.title, *_row(SameFormat(name=file.quantization, files=[(record, file)])))
        for record in found.results
        for file in record.files
    ]


def _row(one: SameFormat) -> tuple[str, ...]:
    trained = [(record, file) for record, file in one.files if has_learned(record)]
    record, file = one.files[0]
    return (
        one.name,
        f"{file.bytes / 1e6:,.0f} MB",
        f"{8 * file.bytes / parameters_of(record):.2f}",
        shown(one.over_runs(generation), units.rate),
        shown(one.over_runs(lambda _, file: [run.prompt_tokens_per_second for run in file.runs]), units.rate),
        shown(one.over_runs(lambda _, file: [run.first_token_seconds for run in file.runs]), units.seconds),
        shown(one.over_runs(lambda _, file: [float(run.peak_rss_bytes) for run in file.runs]), units.gibibytes),
        *_costs([file for _, file in trained]),
    )


def _costs(files: Sequence[GgufRecord]) -> tuple[str, str, str]:
    """Return perplexity, KL divergence and share of same next tokens; ranges over several files."""
    if not files:
        return (RANDOM, RANDOM, RANDOM)
    return (
        _range([perplexity(file.loss) for file in files], lambda value: f"{value:,.2f}"),
        _range([file.kl_divergence for file in files], lambda value: f"{value:.1e}"),
        _range([file.same_top_token for file in files], units.share),
    )


def perplexity(loss: float) -> float:
    """Return e to the loss, as llama.cpp reports it; infinite where no number holds it."""
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf


def board_headings() -> tuple[str, ...]:
    """Return the headings of board_rows."""
    contexts = tuple(f"{size // 1024}k tokens" for size in CONTEXT_SIZES)
    return ("format", *contexts, BOUND, PROJECTED, "share of the bound here", "error of the method here")


def board_rows(found: Deployments, board: Board) -> list[tuple[str, ...]]:
    """Return a row per format: what a board would make of it, in the order of board_headings."""
    return [board_row(found, one, board) for one in same_formats(found)]


def board_row(found: Deployments, one: SameFormat, board: Board) -> tuple[str, ...]:
    """Return what a board would make of a format, in the order of board_headings."""
    record, file = one.first_run
    pooled = file.model_copy(update={"runs": tuple(run for _, other in one.files for run in other.runs)})
    projection = projected(record, pooled, found.read_bytes_per_second, board)
    contexts = tuple(_fits(file, size, board) for size in CONTEXT_SIZES)
    if projection is None:
        return (one.name, *contexts, *(units.NOTHING,) * 4)
    return (
        one.name,
        *contexts,
        units.rate(projection.bound),
        interval_text(projection.tokens_per_second, units.rate),
        interval_text(projection.share, units.share),
        units.NOTHING if projection.error is None else f"{projection.error:+.1%}",
    )


def _fits(file: GgufRecord, size: int, board: Board) -> str:
    answer = fits(file, size, board)
    if answer is None:
        return units.NOTHING
    return f"{'fits' if answer else 'does not fit'} ({units.gibibytes(file.context_rss_bytes[size])})"


def board_text(found: Deployments, board: Board) -> str:
    """Return what the board's table is: a projection, from which figures."""
    one_thread = "from one thread it predicts all" if len(found.read_bytes_per_second) > 1 else "one thread is all here"
    return (
        f"A projection, not a measurement. A context fits if the memory that it took here, beside "
        f"{board.reserved_bytes / 1e9:.1f} GB for the system, is within {units.budget(board.memory_bytes)}. Each token "
        f"reads all weights from memory, which bounds tokens/s ({board.source}; {board.published}). The projection is "
        "the share of its own bound that this machine reached, applied to the board's. It is low where this machine's "
        "processors, and not its memory, are the limit. The last column shows how well the same method does here: "
        f"{one_thread}."
    )


def measured_rows(found: Deployments) -> list[tuple[str, ...]]:
    """Return a row per file that ran on another machine, in the order of MEASURED_HEADINGS."""
    return [
        (
            one.board,
            one.quantization,
            str(one.threads),
            shown(median_estimate(one.generation_tokens_per_second), units.rate),
            shown(median_estimate(one.prompt_tokens_per_second), units.rate),
            units.seconds(one.first_token_seconds),
            units.gibibytes(one.peak_rss_bytes),
        )
        for one in found.measured
    ]


def generation(record: DeploymentRecord, file: GgufRecord) -> list[float]:
    """Return the tokens per second of each run, with all threads."""
    return [run.generation_tokens_per_second[record.threads] for run in file.runs]


def shown(estimate: Estimate | None, show: Callable[[float], str]) -> str:
    """Return a figure with its interval, if there is one."""
    return units.NOTHING if estimate is None else interval_text(estimate, show)


def _range(values: Sequence[float], show: Callable[[float], str]) -> str:
    low, high = show(min(values)), show(max(values))
    return low if low == high else f"{low} to {high}"
