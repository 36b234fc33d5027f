"""Who needs another round, in a run that goes on until its ratios are narrow enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.analysis.compare_frameworks import RANKED, by_round
from harness.analysis.statistics import Estimate, Rounds, ratio_estimate
from harness.job.experiment import Experiment, section_of
from harness.job.frameworks import BASELINE
from harness.job.plan import Cell
from harness.records.cell_record import CellRecord


def in_need(figures: Mapping[str, Rounds], until: float) -> frozenset[str]:
    """The frameworks whose ratio to the baseline is not known well enough yet, and the baseline while there is one.

    `figures`: those of each framework's processes so far. A rule that looks only at the width of an interval favours
    no side; how often its intervals are wrong all the same is simulated in tests/calibration.
    """
    baseline = figures.get(BASELINE, {})
    ratios = {name: ratio_estimate(values, baseline) for name, values in figures.items() if name != BASELINE}
    wide = {name for name, ratio in ratios.items() if ratio is not None and not is_narrow(ratio, until)}
    return frozenset(wide | {BASELINE}) if wide else frozenset()


def pending(
    cells: Sequence[Cell], recorded: frozenset[str], experiment: Experiment, records: Sequence[CellRecord]
) -> tuple[Cell, ...]:
    """The cells that may still have to run; those after the first may turn out not to be needed."""
    for index, cell in enumerate(cells):
        if cell.name not in recorded and is_needed(cell, experiment, records):
            return tuple(later for later in cells[index:] if later.name not in recorded)
    return ()


def is_needed(cell: Cell, experiment: Experiment, records: Iterable[CellRecord]) -> bool:
    """Whether a run still needs a cell, judged by the rounds before it alone: a resumed run judges alike."""
    if experiment.until is None or cell.repeat <= experiment.repeats:
        return True
    before = [record for record in records if record.repeat < cell.repeat]
    return cell.framework in _in_need(before, cell.section, experiment.until)


def unreached(experiment: Experiment, records: Sequence[CellRecord]) -> bool:
    """Whether the rounds ended with some ratio less well known than was asked for."""
    until = experiment.until
    return until is not None and any(_in_need(records, section, until) for section in experiment.sections)


def _in_need(records: Sequence[CellRecord], section: str, until: float) -> frozenset[str]:
    """Those in need of another round for one quantity or another."""
    section_records = [
        record for record in records if section_of(record) == section and record.outcome == "ok" and not record.twin
    ]
    return frozenset().union(*(in_need(_figures(section_records, quantity), until) for quantity in RANKED))


def _figures(records: Iterable[CellRecord], quantity: str) -> dict[str, Rounds]:
    """Of each framework's processes, by rounds."""
    cells: dict[str, list[CellRecord]] = {}
    for record in records:
        cells.setdefault(record.framework, []).append(record)
    return {framework: by_round(records, quantity) for framework, records in cells.items()}


def is_narrow(ratio: Estimate, until: float) -> bool:
    """Whether the interval's width is at most this share of the ratio."""
    return ratio.low is not None and ratio.high is not None and (ratio.high - ratio.low) / ratio.value <= until
