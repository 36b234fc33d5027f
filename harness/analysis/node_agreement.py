"""Whether machines of one kind, over which a run went on, agree on the ratios."""

from __future__ import annotations

from collections.abc import Iterable

from harness.analysis.cell_columns import by_round
from harness.analysis.compare_frameworks import RANKED
from harness.analysis.estimates import Estimate
from harness.analysis.significance import compare_apart
from harness.job.experiment import section_of
from harness.job.frameworks import BASELINE
from harness.records.cell_record import CellRecord


def nodes_disagree(records: Iterable[CellRecord], smallest_effect: float) -> bool:
    """True if a ratio on one machine differs from the other machines' by more than rounds explain."""
    cells = [record for record in records if not record.twin]
    sides: dict[tuple[str, str, str, str], tuple[list[float], list[float]]] = {}
    for section_name in {section_of(cell) for cell in cells}:
        in_section = [cell for cell in cells if section_of(cell) == section_name]
        for column in RANKED:
            figures = {
                name: by_round(_of(in_section, name), column) for name in {cell.framework for cell in in_section}
            }
            baseline = figures.pop(BASELINE, {})
            for name, rounds in figures.items():
                ratios = {
                    round_number: rounds[round_number] / baseline[round_number]
                    for round_number in rounds.keys() & baseline.keys()
                }
                for node in {node for _, node in ratios}:
                    here = [ratio for (_, where), ratio in ratios.items() if where == node]
                    elsewhere = [ratio for (_, where), ratio in ratios.items() if where != node]
                    if len(here) > 1 and len(elsewhere) > 1:
                        sides[section_name, column, name, node] = here, elsewhere
    return any(
        _is_apart(comparison.ratio, smallest_effect) for comparison in compare_apart(sides, smallest_effect).values()
    )


def _of(cells: Iterable[CellRecord], framework: str) -> list[CellRecord]:
    return [cell for cell in cells if cell.framework == framework]


def _is_apart(ratio: Estimate, smallest_effect: float) -> bool:
    assert ratio.low is not None and ratio.high is not None
    return not ratio.low <= 1 <= ratio.high and max(ratio.value, 1 / ratio.value) >= 1 + smallest_effect
