"""The matrix: a row per section and framework, as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.analysis.compare_frameworks import CONDITIONS, Measured, Row, conditions_of, noise_floor
from harness.analysis.statistics import Comparison, Estimate, Word
from harness.job.experiment import SMALLEST_EFFECT
from harness.job.frameworks import BASELINE
from harness.records.cell_record import CellRecord
from harness.text import units

SPEED_WORDS: Mapping[Word, str] = {"more": "faster", "less": "slower"}
MEMORY_WORDS: Mapping[Word, str] = {"more": "more memory", "less": "less memory"}
CPU_WORDS: Mapping[Word, str] = {"more": "more CPU time", "less": "less CPU time"}


HEADINGS = (
    "framework",
    "n",
    "tokens/s",
    f"to {BASELINE}",
    "speed",
    "peak memory",
    f"to {BASELINE}",
    "memory",
    "final loss",
    "same job",
    "outcome",
)
CPU_HEADINGS = ("framework", "n", "CPU time per step", f"to {BASELINE}", "CPU time")


def cells_of(row: Row) -> tuple[str, ...]:
    """Return a row as text, in the order of HEADINGS."""
    speed, memory = row.tokens_per_second, row.peak_memory_bytes
    return (
        row.key.name + (" *" if row.notes or row.deviations else ""),
        str(row.n),
        _with_interval(speed, units.rate),
        _ratio(speed),
        word_of(speed, SPEED_WORDS),
        _value(memory, units.gibibytes),
        _ratio(memory),
        word_of(memory, MEMORY_WORDS),
        units.loss(row.final_loss),
        row.same_job,
        row.outcome,
    )


def cpu_cells_of(row: Row) -> tuple[str, ...]:
    """Return a row's CPU time as text, in the order of CPU_HEADINGS."""
    cpu = row.step_cpu_seconds
    return (
        row.key.name,
        str(row.n),
        _with_interval(cpu, units.seconds),
        _ratio(cpu),
        word_of(cpu, CPU_WORDS),
    )


def footnotes(rows: Iterable[Row], section: str) -> list[str]:
    """Return the notes that the stars of a section's table refer to."""
    notes = [
        f"* {row.framework}: {text}"
        for row in rows
        if row.section == section
        for text in (*row.notes, *filter(None, [row.deviations]))
    ]
    return list(dict.fromkeys(notes))


def noise_floor_text(records: Iterable[CellRecord], section: str, smallest_effect: float = SMALLEST_EFFECT) -> str:
    """Return what the A/A pair shows; empty without one."""
    floor = noise_floor(records, section, smallest_effect)
    if floor is None:
        return ""
    return (
        f"{section}: A/A pair, {BASELINE} against itself: {_ratio(floor)}, n = {floor.estimate.n}: "
        f"{word_of(floor, SPEED_WORDS)}. So much difference this machine shows where there is none."
    )


def conditions_text(records: Iterable[CellRecord], section: str) -> str:
    """Return what differs between the conditions of a section's cells; empty if they share one set."""
    sets = conditions_of(record for record in records if not record.twin).get(section, [])
    if len(sets) < 2:
        return ""
    differing = [name for index, name in enumerate(CONDITIONS) if len({values[index] for values in sets}) > 1]
    texts = [
        f"[{number}] " + ", ".join(f"{name} {str(values[CONDITIONS.index(name)])[:24]}" for name in differing)
        for number, values in enumerate(sets, start=1)
    ]
    return f"{section}: measured under different conditions, and no ratio mixes them: {'; '.join(texts)}"


def loss_agreement(rows: Sequence[Row], section: str) -> str:
    """Return how far the frameworks' first losses lie apart, relative to the smallest; empty for fewer than two."""
    losses = [row.first_loss for row in rows if row.section == section and row.first_loss is not None]
    if len(losses) < 2 or min(losses) <= 0:
        return ""
    apart = (max(losses) - min(losses)) / min(losses)
    how = f"lie within {apart:.1e} of each other (relative)" if apart else "are equal to the last bit"
    return f"{section}: the first losses of {len(losses)} frameworks {how}."


def _value(measured: Measured | None, show: Callable[[float], str]) -> str:
    return units.NOTHING if measured is None else show(measured.estimate.value)


def _with_interval(measured: Measured | None, show: Callable[[float], str]) -> str:
    return units.NOTHING if measured is None else interval_text(measured.estimate, show)


def interval_text(estimate: Estimate, show: Callable[[float], str]) -> str:
    """Return a figure with its interval, if it has one."""
    if estimate.low is None or estimate.high is None:
        return show(estimate.value)
    return f"{show(estimate.value)} ({show(estimate.low)} to {show(estimate.high)})"


def _ratio(measured: Measured | None) -> str:
    if measured is None or measured.comparison is None:
        return units.NOTHING
    return ratio_text(measured.comparison.ratio)


def ratio_text(estimate: Estimate) -> str:
    """Return a ratio with its interval."""
    interval = "" if estimate.low is None or estimate.high is None else f" ({estimate.low:.2f} to {estimate.high:.2f})"
    return units.ratio(estimate.value) + interval


def word_of(measured: Measured | None, words: Mapping[Word, str]) -> str:
    """Return what a comparison says, in the words of its quantity."""
    if measured is None or measured.comparison is None:
        return units.NOTHING
    return word_for(measured.comparison, words)


def word_for(comparison: Comparison, words: Mapping[Word, str]) -> str:
    """Return the word of a comparison, in the words of its quantity."""
    if comparison.word == "equivalent":
        return f"equivalent within {100 * comparison.smallest_effect:g}%"
    return words.get(comparison.word, comparison.word)
