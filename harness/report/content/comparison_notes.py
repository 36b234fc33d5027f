"""The sentences under a section's comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.analysis.compare_frameworks import Row, noise_floor
from harness.analysis.row_grouping import CONDITIONS, conditions_of
from harness.job.experiment import SMALLEST_EFFECT
from harness.job.frameworks import BASELINE
from harness.records.cell_record import CellRecord
from harness.report.content.comparison_words import SPEED_WORDS, ratio_of, word_of


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
        f"{section}: A/A pair, {BASELINE} against itself: {ratio_of(floor)}, n = {floor.estimate.n}: "
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
