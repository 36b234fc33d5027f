"""Ratings of several runs -> one matrix: each criterion from the run that has the most evidence for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from harness.report.parts.recorded import ReportedRun
from harness.report.parts.studies import rated
from harness.studies.rubric.rating import Rating
from harness.studies.rubric.rules import Rubric


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class RatedCriterion:
    """The ratings of one criterion, all by one run: shares of the best are comparable only within one."""

    criterion: str
    run: ReportedRun
    ratings: tuple[Rating, ...]


def best_ratings(rubric: Rubric, runs: Sequence[ReportedRun]) -> list[RatedCriterion]:
    """Return each criterion's ratings by the run that gives stars to most frameworks, then by most measures."""
    by_run = [(run, rated(run.checked, rubric).ratings) for run in runs]
    found = []
    for name in rubric.criteria:
        of_criterion = [
            RatedCriterion(criterion=name, run=run, ratings=tuple(one for one in ratings if one.criterion == name))
            for run, ratings in by_run
        ]
        found.append(max(of_criterion, key=_evidence))
    return found


def _evidence(one: RatedCriterion) -> tuple[int, int]:
    return (
        sum(rating.stars is not None for rating in one.ratings),
        sum(len(rating.figures) for rating in one.ratings),
    )
