"""A recorded run -> the rubric's stars and order, as evidence for claims that rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records.checked_run import CheckedRun
from harness.studies.claims.evidence import Circumstances, Evidence
from harness.studies.rubric.facts import gather_facts
from harness.studies.rubric.rating import Rating, rate
from harness.studies.rubric.recommend import Recommendation, recommend
from harness.studies.rubric.rules import read_rubric


@dataclass(frozen=True, kw_only=True, slots=True)
class RatedRun:
    """One run, rated by the rule of recipes/rubric.yaml."""

    under: Mapping[str, Circumstances]
    """For each framework, one set of conditions that it was measured under."""
    ratings: tuple[Rating, ...]
    recommendation: Recommendation
    """For the first kind of user, which is the old report's."""


def rated(run: CheckedRun, rows: Sequence[Evidence]) -> tuple[RatedRun, ...]:
    """Rate a run with figures. `rows`: its evidence. Raises RunFolderError or RecipeError."""
    if not rows:
        return ()
    rubric = read_rubric()
    ratings = rate(rubric, gather_facts(run))
    first, *_ = recommend(rubric, ratings)
    under = {row.under.framework: row.under for row in rows}
    return (RatedRun(under=under, ratings=ratings, recommendation=first),)
