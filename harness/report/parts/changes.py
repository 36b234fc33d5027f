"""What changed between two runs, as blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.analysis.compare_runs import Change, Changed
from harness.analysis.significance import Word
from harness.report.content.comparison_words import MEMORY_WORDS, SPEED_WORDS, ratio_text, word_for
from harness.report.parts.blocks import Block, Paragraph, Table
from harness.text import units

HEADINGS = ("framework", "tokens/s", "ratio", "speed", "peak memory", "ratio", "memory", "what differs")


def summary(found: Sequence[Change], smallest_effect: float) -> str:
    """Return one sentence: who regressed."""
    regressed = [f"{comparison.framework} ({comparison.section})" for comparison in found if comparison.regressed()]
    counted = [comparison for comparison in found if not comparison.not_compared]
    not_compared = [
        f"{comparison.framework} ({comparison.section}): {comparison.not_compared}"
        for comparison in found
        if comparison.not_compared
    ]
    if not counted and not regressed:
        why = "; ".join(not_compared) or "the earlier run has no figures"
        return f"Nothing can be compared: {why}."
    if regressed:
        text = f"Regressed by more than {100 * smallest_effect:g}%: {', '.join(regressed)}."
    else:
        text = f"No regression of more than {100 * smallest_effect:g}% is shown in {len(counted)} comparisons."
    return f"{text} Not compared: {'; '.join(not_compared)}." if not_compared else text


def change_rows(found: Sequence[Change]) -> list[tuple[str, ...]]:
    """Return a row per framework and section, in the order of HEADINGS."""
    return [
        (
            f"{comparison.framework}, {comparison.section}: {_arrow(*comparison.versions)}",
            *_cells(comparison.quantities.get("tokens_per_second"), units.rate, SPEED_WORDS),
            *_cells(comparison.quantities.get("peak_memory_bytes"), units.gibibytes, MEMORY_WORDS),
            "; ".join(filter(None, [comparison.why_not, *comparison.differences])) or units.NOTHING,
        )
        for comparison in found
    ]


def blocks(found: Sequence[Change], smallest_effect: float) -> list[Block]:
    """Return the answer, and a row per framework and section."""
    return [Paragraph(text=summary(found, smallest_effect)), Table(headings=HEADINGS, rows=change_rows(found))]


def _cells(changed: Changed | None, show: Callable[[float], str], words: Mapping[Word, str]) -> tuple[str, str, str]:
    if changed is None:
        return units.NOTHING, units.NOTHING, units.NOTHING
    comparison = changed.comparison
    figures = _arrow(show(changed.before), show(changed.after))
    return figures, f"{ratio_text(comparison.ratio)}, n = {comparison.ratio.n}", word_for(comparison, words)


def _arrow(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"
