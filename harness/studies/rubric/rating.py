"""Measures and the rule -> the matrix: a score and stars per framework and criterion, beside the old report's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.job.frameworks import FRAMEWORKS
from harness.studies.rubric.facts import Facts
from harness.studies.rubric.measures import MEASURES, Score
from harness.studies.rubric.rules import Rubric


@dataclass(frozen=True, kw_only=True, slots=True)
class Rating:
    """One cell of the matrix."""

    framework: str
    criterion: str
    score: float | None
    """None if none of its measures was taken, or if the criterion needs a GPU and the run had none."""
    stars: int | None
    report_stars: int | None
    """Stars in the old report."""
    figures: Mapping[str, Score]
    """Scores by measure."""
    missing: tuple[str, ...]
    """Measures that were not taken."""
    lacks_gpu: bool = False
    """True if the criterion needs a GPU and the run had none."""

    @property
    def difference(self) -> str:
        """Why it differs from the old report, in one line; empty if it does not."""
        if self.stars is None or self.report_stars is None or self.stars == self.report_stars:
            return ""
        fewer = self.stars < self.report_stars
        telling = sorted(self.figures.items(), key=lambda item: item[1].value, reverse=not fewer)[:2]
        figures = "; ".join(f"{name.replace('_', ' ')}: {score.figure}" for name, score in telling)
        return f"{self.report_stars} in the report, {self.stars} here: {figures}"


def rate(rubric: Rubric, facts: Facts) -> tuple[Rating, ...]:
    """Return every rating, criterion by criterion."""
    needed = {name for criterion in rubric.criteria.values() for name in criterion.measures}
    taken = {name: measure(facts) for name, measure in MEASURES.items() if name in needed}
    return tuple(
        _rating(rubric, name, framework, taken, on_gpu=facts.experiment.device == "cuda")
        for name in rubric.criteria
        for framework in FRAMEWORKS
    )


def _rating(
    rubric: Rubric, name: str, framework: str, taken: Mapping[str, Mapping[str, Score]], *, on_gpu: bool
) -> Rating:
    criterion = rubric.criteria[name]
    figures = {measure: taken[measure][framework] for measure in criterion.measures if framework in taken[measure]}
    weight = sum(criterion.measures[measure] for measure in figures)
    score = None
    lacks_gpu = criterion.needs_gpu and not on_gpu
    if weight and not lacks_gpu:
        score = sum(criterion.measures[measure] * score.value for measure, score in figures.items()) / weight
    return Rating(
        framework=framework,
        criterion=name,
        score=score,
        stars=None if score is None else stars_of(score, rubric),
        report_stars=rubric.report.stars.get(framework, {}).get(name),
        figures=figures,
        missing=tuple(measure for measure in criterion.measures if measure not in figures),
        lacks_gpu=lacks_gpu,
    )


def stars_of(score: float, rubric: Rubric) -> int:
    """Return the stars of a score: one, and one more for each threshold that it reaches."""
    return 1 + sum(score >= threshold for threshold in rubric.thresholds)
