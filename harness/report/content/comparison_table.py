"""The comparison as text: a row per framework, in full for reports and in short for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.compare_frameworks import Measured, Row
from harness.analysis.estimates import Estimate
from harness.analysis.significance import Word
from harness.job.frameworks import BASELINE
from harness.report.content.cells import Cell
from harness.report.content.comparison_notes import marks_of
from harness.report.content.comparison_words import CPU_WORDS, MEMORY_WORDS, SPEED_WORDS, word_of
from harness.text import units

GIB = 2**30
SHORTER = {
    "no difference shown": "unsure",
    "too few processes": "too few",
    "more memory": "more",
    "less memory": "less",
}
"""Shorter words for a terminal."""

Text = Callable[[Row, Sequence[str]], str | Cell]
"""A row's text in a column, given the notes of the whole table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of the matrix: its heading, and a row's text in it."""

    heading: str
    text: Text


def _columns(*pairs: tuple[str, Text]) -> tuple[Column, ...]:
    return tuple(Column(heading=heading, text=text) for heading, text in pairs)


def _figure(measured: Measured | None, unit: float = 1.0) -> str | Cell:
    """Return a figure in a unit, its interval below it."""
    return units.NOTHING if measured is None else _estimate(measured.estimate, lambda value: units.three(value / unit))


def _ratio(measured: Measured | None) -> str | Cell:
    """Return the ratio to the baseline, its interval below it."""
    if measured is None or measured.comparison is None:
        return units.NOTHING
    return _estimate(measured.comparison.ratio, lambda value: f"{value:.2f}")


def _estimate(estimate: Estimate, show: Callable[[float], str]) -> str | Cell:
    if estimate.low is None or estimate.high is None:
        return show(estimate.value)
    return Cell(text=show(estimate.value), muted=f"{show(estimate.low)} to {show(estimate.high)}")


def _value(measured: Measured | None, unit: float = 1.0) -> str:
    return units.NOTHING if measured is None else units.three(measured.estimate.value / unit)


def _short(measured: Measured | None, words: Mapping[Word, str]) -> str:
    """Return ratio and word in short, like "1.32 faster"."""
    if measured is None or measured.comparison is None:
        return units.NOTHING
    word = word_of(measured, words)
    short = "equal" if word.startswith("equivalent") else SHORTER.get(word, word)
    return f"{measured.comparison.ratio.value:.2f} {short}"


def _conditions(row: Row) -> str:
    return f" [{row.key.conditions}]" if row.key.conditions else ""


def _job(row: Row) -> str:
    """Return outcome and audit in short."""
    job = {"yes": "same", "no": "NOT the same", "with deviations": "deviates"}.get(row.same_job, row.same_job)
    return job if row.outcome == "ok" else f"{row.outcome}, {job}"


COMPARISON = _columns(
    ("framework", lambda row, notes: row.key.name + marks_of(row, notes)),
    ("n", lambda row, _: str(row.n)),
    ("tokens/s", lambda row, _: _figure(row.tokens_per_second)),
    (f"speed, times {BASELINE}", lambda row, _: _ratio(row.tokens_per_second)),
    ("speed", lambda row, _: word_of(row.tokens_per_second, SPEED_WORDS)),
    ("peak memory, GiB", lambda row, _: _value(row.peak_memory_bytes, GIB)),
    (f"memory, times {BASELINE}", lambda row, _: _ratio(row.peak_memory_bytes)),
    ("memory", lambda row, _: word_of(row.peak_memory_bytes, MEMORY_WORDS)),
    ("final loss", lambda row, _: f"{row.final_loss:.2f}" if units.known(row.final_loss) else units.NOTHING),
    ("same job", lambda row, _: row.same_job),
    ("outcome", lambda row, _: row.outcome),
)
SHORT_COMPARISON = _columns(
    ("framework", lambda row, _: row.framework + _conditions(row)),
    ("tokens/s", lambda row, _: _value(row.tokens_per_second)),
    ("speed", lambda row, _: _short(row.tokens_per_second, SPEED_WORDS)),
    ("GiB", lambda row, _: _value(row.peak_memory_bytes, GIB)),
    ("memory", lambda row, _: _short(row.peak_memory_bytes, MEMORY_WORDS)),
    ("job", lambda row, _: _job(row)),
)
"""Fits 80 characters, with bars."""
CPU_TIME = _columns(
    ("framework", lambda row, _: row.key.name),
    ("n", lambda row, _: str(row.n)),
    ("CPU seconds per step", lambda row, _: _figure(row.step_cpu_seconds)),
    (f"times {BASELINE}", lambda row, _: _ratio(row.step_cpu_seconds)),
    ("CPU time", lambda row, _: word_of(row.step_cpu_seconds, CPU_WORDS)),
)


def headings(columns: Iterable[Column]) -> tuple[str, ...]:
    """Return the headings of columns."""
    return tuple(column.heading for column in columns)


def cells_of(row: Row, columns: Iterable[Column] = COMPARISON, notes: Sequence[str] = ()) -> tuple[str | Cell, ...]:
    """Return a row as text, in the order of the columns. `notes`: those under the table, for their marks."""
    return tuple(column.text(row, notes) for column in columns)
