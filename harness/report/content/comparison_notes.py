"""The sentences under a section's comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.analysis.compare_frameworks import Row, noise_floor
from harness.analysis.row_grouping import CONDITIONS, conditions_of
from harness.job.experiment import SMALLEST_EFFECT
from harness.job.frameworks import BASELINE
from harness.records.cell_record import CellRecord
from harness.report.content.comparison_words import SPEED_WORDS, ratio_of, word_of
from harness.report.content.titles import section_title

SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def notes_of(rows: Iterable[Row]) -> list[str]:
    """Return what is said of the frameworks of a table, each note once. A note's number is its place, from 1."""
    return list(dict.fromkeys(note for row in rows for note in _notes(row)))


def marks_of(row: Row, notes: Sequence[str]) -> str:
    """Return the numbers of a row's notes, like " ¹ ²"."""
    numbers = [notes.index(note) + 1 for note in _notes(row) if note in notes]
    return "".join(f" {str(number).translate(SUPERSCRIPTS)}" for number in numbers)


def numbered(notes: Sequence[str]) -> list[str]:
    """Return the notes behind their numbers."""
    return [f"{str(number).translate(SUPERSCRIPTS)} {note}" for number, note in enumerate(notes, start=1)]


def _notes(row: Row) -> list[str]:
    return [f"{row.framework}: {text}" for text in remarks_of(row)]


def remarks_of(row: Row) -> list[str]:
    """Return what every report says of a row: its framework's notes, and its deviation."""
    return [*row.notes, *filter(None, [row.deviations])]


def noise_floor_text(
    records: Sequence[CellRecord], sections: Iterable[str], smallest_effect: float = SMALLEST_EFFECT
) -> str:
    """Return what the A/A pairs show; empty without one."""
    floors = {
        section: floor for section in sections if (floor := noise_floor(records, section, smallest_effect)) is not None
    }
    if not floors:
        return ""
    pairs = "; ".join(
        f"{section_title(section)} {ratio_of(floor)}, n = {floor.estimate.n}, {word_of(floor, SPEED_WORDS)}"
        for section, floor in floors.items()
    )
    return f"{BASELINE} against itself, where there is no difference (A/A pair): {pairs}."


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
