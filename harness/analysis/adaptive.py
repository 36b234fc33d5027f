"""Which frameworks need another round, in a run that goes on until its ratios are narrow enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.analysis.cell_columns import by_round
from harness.analysis.compare_frameworks import RANKED
from harness.analysis.estimates import Estimate, Rounds, ratio_estimate
from harness.job.experiment import Experiment, section_of
from harness.job.frameworks import BASELINE
from harness.job.plan import Cell
from harness.records.cell_record import CellRecord


def in_need(figures: Mapping[str, Rounds], until: float) -> frozenset[str]:
    """Return the frameworks whose ratio to the baseline is not precise enough yet, and the baseline while there is one.

    `figures`: each framework's processes so far. A rule that reads only the width of an interval favours no side. How
    often its intervals are wrong is simulated in tests/calibration.
    """
    baseline = figures.get(BASELINE, {})
    ratios = {name: ratio_estimate(values, baseline) for name, values in figures.items() if name != BASELINE}
    wide = {name for name, ratio in ratios.items() if ratio is not None and not is_narrow(ratio, until)}
    return frozenset(wide | {BASELINE}) if wide else frozenset()


def pending(
    cells: Sequence[Cell], recorded: frozenset[str], experiment: Experiment, records: Sequence[CellRecord]
) -> tuple[Cell, ...]:
    """Return the cells that may still have to run. A cell after the first may turn out not to be needed."""
    for index, cell in enumerate(cells):
        if cell.name not in recorded and is_needed(cell, experiment, records):
            return tuple(later for later in cells[index:] if later.name not in recorded)
    return ()


def is_needed(cell: Cell, experiment: Experiment, records: Iterable[CellRecord]) -> bool:
    """True if the run still needs the cell. Only earlier rounds count, so that a resumed run decides alike."""
    if experiment.until is None or cell.repeat <= experiment.repeats:
        return True
    before = [record for record in records if record.repeat < cell.repeat]
    return cell.framework in _in_need(before, cell.section, experiment.until)


def unreached(experiment: Experiment, records: Sequence[CellRecord]) -> bool:
    """True if the rounds ended with a ratio that is less precise than was asked for."""
    until = experiment.until
    return until is not None and any(_in_need(records, section, until) for section in experiment.sections)


def _in_need(records: Sequence[CellRecord], section: str, until: float) -> frozenset[str]:
    """Return the frameworks that need another round for at least one quantity."""
    section_records = [
        record for record in records if section_of(record) == section and record.outcome == "ok" and not record.twin
    ]
    return frozenset().union(*(in_need(_figures(section_records, quantity), until) for quantity in RANKED))


def _figures(records: Iterable[CellRecord], quantity: str) -> dict[str, Rounds]:
    """Return each framework's processes, by round."""
    cells: dict[str, list[CellRecord]] = {}
    for record in records:
        cells.setdefault(record.framework, []).append(record)
    return {framework: by_round(records, quantity) for framework, records in cells.items()}


def is_narrow(ratio: Estimate, until: float) -> bool:
    """True if the interval's width is at most this share of the ratio."""
    return ratio.low is not None and ratio.high is not None and (ratio.high - ratio.low) / ratio.value <= until
