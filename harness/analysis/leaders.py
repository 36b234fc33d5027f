"""Rows of one section -> who leads in one quantity, and how much of that is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.cell_columns import by_round
from harness.analysis.compare_frameworks import Measured, Row
from harness.analysis.estimates import Rounds
from harness.analysis.row_grouping import Key, processes
from harness.analysis.significance import Word, compare
from harness.job.frameworks import BASELINE, CEILING
from harness.records.cell_record import CellRecord

Quantity = Literal["tokens_per_second", "peak_memory_bytes"]
BETTER: dict[Quantity, Word] = {"tokens_per_second": "more", "peak_memory_bytes": "less"}
WORSE: dict[Quantity, Word] = {"tokens_per_second": "less", "peak_memory_bytes": "more"}

Shown = Literal["one leads", "some are better", "the baseline leads", "nobody is better", "too few", "no baseline"]
"""What is shown in a section.

- one leads: one framework is better than the baseline and than every other framework.
- some are better: frameworks are better than the baseline, and which of them leads is not shown.
- the baseline leads: every other framework is worse than the baseline.
- nobody is better: no framework is shown to be better than the baseline.
- too few: there are too few processes for any verdict.
- no baseline: there is nothing to compare with.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Leader:
    """Who leads in one section."""

    section: str
    shown: Shown
    figures: tuple[tuple[str, Measured], ...]
    """Who is named, with its figure, best first: the leader, those that are better, or the best figure of all."""


def leader(rows: Sequence[Row], records: Iterable[CellRecord], quantity: Quantity) -> Leader | None:
    """Return who leads among the rows of one section and one set of conditions; None if nobody has a figure.

    To lead, a framework must be shown to be better than the baseline, and than each other framework by the same test
    (the multiple comparisons with the best, Hsu, Annals of Statistics 12, 1984).
    """
    figures = {row.key: figure for row in rows if _counts(row) and (figure := getattr(row, quantity)) is not None}
    if not figures:
        return None
    section = next(iter(figures)).section
    best_first = _best_first(figures, quantity)
    baseline = next((key for key in figures if key.framework == BASELINE), None)
    compared = {key: figure.comparison for key, figure in figures.items() if figure.comparison is not None}

    def named(shown: Shown, keys: Iterable[Key]) -> Leader:
        return Leader(section=section, shown=shown, figures=tuple((key.framework, figures[key]) for key in keys))

    if baseline is None or not compared:
        return named("no baseline", best_first[:1])
    words = {key: comparison.word for key, comparison in compared.items()}
    if set(words.values()) == {"too few processes"}:
        return named("too few", best_first[:1])
    if all(word == WORSE[quantity] for word in words.values()):
        return named("the baseline leads", [baseline])
    better = [key for key in best_first if words.get(key) == BETTER[quantity]]
    if not better:
        return named("nobody is better", best_first[:1])
    if better[0] == best_first[0] and _is_ahead(better[0], best_first[1:], records, quantity):
        return named("one leads", better[:1])
    return named("some are better", better)


def _counts(row: Row) -> bool:
    """True if a row may lead: a framework's, and of the same job."""
    return row.framework != CEILING and row.same_job != "no"


def _best_first(figures: dict[Key, Measured], quantity: Quantity) -> list[Key]:
    """Return the rows, best first: by ratios over the same rounds if all have one, else by their figures."""
    ratios = {key: figure.comparison.ratio.value for key, figure in figures.items() if figure.comparison is not None}
    standing = {key: figure.estimate.value for key, figure in figures.items()}
    others = [key for key in figures if key not in ratios]
    if ratios and [key.framework for key in others] == [BASELINE]:
        standing = {others[0]: 1.0, **ratios}
    return sorted(standing, key=lambda key: standing[key], reverse=BETTER[quantity] == "more")


def _is_ahead(first: Key, others: Sequence[Key], records: Iterable[CellRecord], quantity: Quantity) -> bool:
    """True if each of the others is shown to be worse than the first."""
    cells = processes(records, first.section)
    rounds: dict[Key, Rounds] = {key: by_round(cells[key], quantity) for key in (first, *others)}
    ahead_of = rounds.pop(first)
    family = {key: values for key, values in rounds.items() if key.framework != BASELINE}
    smallest_effect = 0.0  # The size of the difference matters against the baseline; here only its sign does.
    compared = compare(family, ahead_of, smallest_effect)
    return len(compared) == len(family) and all(one.word == WORSE[quantity] for one in compared.values())
