"""Who needs another round, in a run that goes on until its ratios are narrow enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.experiment import Experiment, section_of
from harness.frameworks import BASELINE
from harness.plan import Cell
from harness.statistics import Estimate, ratio_estimate


def in_need(rates: Mapping[str, Sequence[float]], until: float) -> frozenset[str]:
    """The frameworks whose ratio to the baseline is not known well enough yet, and the baseline while there is one.

    `rates`: tokens/s of each framework's processes so far, by rounds. A rule that looks only at the width of an
    interval favours no side; how often its intervals are wrong all the same is simulated in tests/calibration.
    """
    baseline = rates.get(BASELINE, ())
    wide = {
        name
        for name, own in rates.items()
        if name != BASELINE and own and baseline and not is_narrow(ratio_estimate(own, baseline), until)
    }
    return frozenset(wide | {BASELINE}) if wide else frozenset()


def pending(
    cells: Sequence[Cell], recorded: frozenset[str], experiment: Experiment, records: Sequence[Mapping[str, Any]]
) -> tuple[Cell, ...]:
    """The cells that may still have to run; those after the first may turn out not to be needed."""
    for index, cell in enumerate(cells):
        if cell.name not in recorded and is_needed(cell, experiment, records):
            return tuple(later for later in cells[index:] if later.name not in recorded)
    return ()


def is_needed(cell: Cell, experiment: Experiment, records: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a run still needs a cell, judged by the rounds before it alone: a resumed run judges alike."""
    if experiment.until is None or cell.repeat <= experiment.repeats:
        return True
    before = [record for record in records if record["repeat"] < cell.repeat]
    return cell.framework in in_need(_rates(before, cell.section), experiment.until)


def unreached(experiment: Experiment, records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the rounds ended with some ratio less well known than was asked for."""
    until = experiment.until
    return until is not None and any(in_need(_rates(records, section), until) for section in experiment.sections)


def _rates(records: Iterable[Mapping[str, Any]], section: str) -> dict[str, list[float]]:
    """tokens/s of each framework's processes in a section."""
    rates: dict[str, list[float]] = {}
    for record in records:
        if section_of(record) == section and not record["twin"]:
            own = rates.setdefault(record["framework"], [])
            if record["tokens_per_second"] is not None:
                own.append(record["tokens_per_second"])
    return rates


def is_narrow(ratio: Estimate, until: float) -> bool:
    """Whether the interval's width is at most this share of the ratio."""
    return ratio.low is not None and ratio.high is not None and (ratio.high - ratio.low) / ratio.value <= until
