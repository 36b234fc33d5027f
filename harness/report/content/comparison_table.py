"""The comparison of one section: a row per framework as text, in columns for three widths."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.analysis.compare_frameworks import Measured, Row
from harness.job.frameworks import BASELINE
from harness.report.content.comparison_words import (
    CPU_WORDS,
    MEMORY_WORDS,
    SPEED_WORDS,
    interval_text,
    ratio_of,
    word_of,
)
from harness.text import units

SHORTER = {
    "no difference shown": "not shown",
    "too few processes": "too few",
    "more memory": "more",
    "less memory": "less",
    "more CPU time": "more",
    "less CPU time": "less",
}
"""Shorter words for a narrow display."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of the matrix: its heading, and a row's text in it."""

    heading: str
    text: Callable[[Row], str]


def _columns(*pairs: tuple[str, Callable[[Row], str]]) -> tuple[Column, ...]:
    return tuple(Column(heading=heading, text=text) for heading, text in pairs)


def _star(row: Row) -> str:
    """Return the mark of a row that has footnotes."""
    return " *" if row.notes or row.deviations else ""


def _set_of_conditions(row: Row) -> str:
    return f" [{row.key.conditions}]" if row.key.conditions else ""


def _short(word: str) -> str:
    return SHORTER.get(word, "equal" if word.startswith("equivalent") else word)


def _short_ratio(measured: Measured | None) -> str:
    if measured is None or measured.comparison is None:
        return units.NOTHING
    return units.ratio(measured.comparison.ratio.value)


def _outcome(row: Row) -> str:
    """Return outcome and audit in a word or two; "ok" if both are good."""
    job = {"yes": "", "no": "NOT the same job", "with deviations": "deviates"}.get(row.same_job, row.same_job)
    return ", ".join(filter(None, ["" if row.outcome == "ok" else row.outcome, job])) or "ok"


def _value(measured: Measured | None, show: Callable[[float], str]) -> str:
    return units.NOTHING if measured is None else show(measured.estimate.value)


def _with_interval(measured: Measured | None, show: Callable[[float], str]) -> str:
    return units.NOTHING if measured is None else interval_text(measured.estimate, show)


COMPARISON = _columns(
    ("framework", lambda row: row.key.name + _star(row)),
    ("n", lambda row: str(row.n)),
    ("tokens/s", lambda row: _with_interval(row.tokens_per_second, units.rate)),
    (f"to {BASELINE}", lambda row: ratio_of(row.tokens_per_second)),
    ("speed", lambda row: word_of(row.tokens_per_second, SPEED_WORDS)),
    ("peak memory", lambda row: _value(row.peak_memory_bytes, units.gibibytes)),
    (f"to {BASELINE}", lambda row: ratio_of(row.peak_memory_bytes)),
    ("memory", lambda row: word_of(row.peak_memory_bytes, MEMORY_WORDS)),
    ("final loss", lambda row: units.loss(row.final_loss)),
    ("same job", lambda row: row.same_job),
    ("outcome", lambda row: row.outcome),
)
MEDIUM_COMPARISON = _columns(
    ("framework", lambda row: row.key.name + _star(row)),
    ("n", lambda row: str(row.n)),
    ("tokens/s", lambda row: _value(row.tokens_per_second, units.rate)),
    ("ratio", lambda row: ratio_of(row.tokens_per_second)),
    ("speed", lambda row: word_of(row.tokens_per_second, SPEED_WORDS)),
    ("memory", lambda row: _value(row.peak_memory_bytes, units.gibibytes)),
    ("ratio", lambda row: ratio_of(row.peak_memory_bytes)),
    ("memory", lambda row: _short(word_of(row.peak_memory_bytes, MEMORY_WORDS))),
    ("outcome", _outcome),
)
"""Fits 160 characters, with curves."""
NARROW_COMPARISON = _columns(
    ("framework", lambda row: row.framework + _set_of_conditions(row) + _star(row)),
    ("tokens/s", lambda row: _value(row.tokens_per_second, units.rate)),
    ("ratio", lambda row: _short_ratio(row.tokens_per_second)),
    ("speed", lambda row: _short(word_of(row.tokens_per_second, SPEED_WORDS))),
    ("memory", lambda row: _value(row.peak_memory_bytes, units.gibibytes)),
    ("ratio", lambda row: _short_ratio(row.peak_memory_bytes)),
    ("memory", lambda row: _short(word_of(row.peak_memory_bytes, MEMORY_WORDS))),
    ("outcome", _outcome),
)
"""Fits 80 characters, with bars."""
CPU_TIME = _columns(
    ("framework", lambda row: row.key.name),
    ("n", lambda row: str(row.n)),
    ("CPU time per step", lambda row: _with_interval(row.step_cpu_seconds, units.seconds)),
    (f"to {BASELINE}", lambda row: ratio_of(row.step_cpu_seconds)),
    ("CPU time", lambda row: word_of(row.step_cpu_seconds, CPU_WORDS)),
)

NARROW_CPU_TIME = _columns(
    ("framework", lambda row: row.framework + _set_of_conditions(row)),
    ("CPU time per step", lambda row: _value(row.step_cpu_seconds, units.seconds)),
    ("ratio", lambda row: ratio_of(row.step_cpu_seconds)),
    ("CPU time", lambda row: _short(word_of(row.step_cpu_seconds, CPU_WORDS))),
)


def headings(columns: Iterable[Column]) -> tuple[str, ...]:
    """Return the headings of columns."""
    return tuple(column.heading for column in columns)


def cells_of(row: Row, columns: Iterable[Column] = COMPARISON) -> tuple[str, ...]:
    """Return a row as text, in the order of the columns."""
    return tuple(column.text(row) for column in columns)
