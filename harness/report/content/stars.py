"""The matrix of stars, the recommendations and the projection as tables of text."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.estimates import Estimate
from harness.job.job import Job
from harness.records.run_record import RunRecord
from harness.report.content.comparison_words import interval_text
from harness.studies.claims.named_models import QWEN3_06B, model_of
from harness.studies.rubric.facts import RATED
from harness.studies.rubric.prices import Price
from harness.studies.rubric.projection import Projection
from harness.studies.rubric.rating import Rating
from harness.studies.rubric.recommend import Recommendation
from harness.studies.rubric.rules import MOST_STARS, Rubric
from harness.text import units

NOT_MEASURED = "not measured"
MATRIX_HEADINGS = ("criterion", *RATED)
MEASURE_HEADINGS = ("criterion", "measure (weight)", *RATED)
RECOMMENDATION_HEADINGS = ("for", "order, with scores", "comes first with random weights", "left out")
PROJECTION_HEADINGS = ("tokens", "framework", "n", "time at the steady rate", "cost", "peak memory", "16 GB of a T4")
T4_BYTES = 16 * 10**9


def matrix_rows(rubric: Rubric, ratings: Sequence[Rating]) -> list[tuple[str, ...]]:
    """Return a row per criterion, in the order of MATRIX_HEADINGS. The old report's stars are in brackets."""
    return [
        (criterion.title, *(_stars(rating) for rating in ratings if rating.criterion == name))
        for name, criterion in rubric.criteria.items()
    ]


def measure_rows(rubric: Rubric, ratings: Sequence[Rating]) -> list[tuple[str, ...]]:
    """Return a row per measure: the evidence for each star."""
    rows = []
    for name, criterion in rubric.criteria.items():
        of_criterion = [rating for rating in ratings if rating.criterion == name]
        for measure, weight in criterion.measures.items():
            cells = (
                f"{rating.figures[measure].value:.2f} ({rating.figures[measure].figure})"
                if measure in rating.figures
                else NOT_MEASURED
                for rating in of_criterion
            )
            rows.append((criterion.title, f"{measure.replace('_', ' ')} ({weight:g})", *cells))
    return rows


def rule_text(rubric: Rubric) -> str:
    """Return the rule in one sentence."""
    steps = ", ".join(f"{stars} from {score:g}" for stars, score in enumerate(rubric.thresholds, start=2))
    return (
        "A star follows from a score: the weighted mean of the measures below, each a share from 0 to 1 of the best "
        f"framework's figure or of all that was asked. Stars: 1, {steps}; * behind a score: some measure is missing. "
        f"In brackets: the stars of {rubric.report.where}."
    )


def differences(rubric: Rubric, ratings: Sequence[Rating]) -> list[str]:
    """Return one line for each rating that differs from the old report's."""
    return [
        f"{rubric.criteria[rating.criterion].title}, {rating.framework}: {rating.difference}"
        for rating in ratings
        if rating.difference
    ]


def recommendation_rows(rubric: Rubric, found: Sequence[Recommendation]) -> list[tuple[str, ...]]:
    """Return a row per kind of user, in the order of RECOMMENDATION_HEADINGS."""
    rows: list[tuple[str, ...]] = []
    for recommendation in found:
        order = ", ".join(f"{name} {score:.2f}" for name, score in recommendation.order) or NOT_MEASURED
        wins = ", ".join(
            f"{name} {share:.0%}" for name, share in sorted(recommendation.wins.items(), key=lambda w: -w[1]) if share
        )
        left_out = ", ".join(rubric.criteria[name].title for name in recommendation.unmeasured)
        rows.append((recommendation.profile, order, wins or units.NOTHING, left_out or units.NOTHING))
    return rows


def old_recommendation(rubric: Rubric, found: Sequence[Recommendation], on: str) -> str:
    """Say whether the old report's recommendation holds here for the first kind of user."""
    first = found[0]
    if not first.order:
        return "Whether the report's recommendation holds cannot be said: nothing that counts was measured."
    recommended = ", then ".join(rubric.report.recommended)
    here = [name for name, _ in first.order[: len(rubric.report.recommended)]]
    verdict = "is what follows here too" if here == rubric.report.recommended else "is not what follows here"
    surely = max(first.wins.values())
    return (
        f"The report recommends {recommended} for a {first.profile}. That {verdict}: {', then '.join(here)}, on {on}; "
        f"{first.order[0][0]} comes first in {surely:.0%} of random weights."
    )


def projection_text(run: RunRecord, job: Job, price: Price | None) -> str:
    """Say whose rate and whose price the projection uses."""
    on = run.host.device_name
    text = f"At the steady rate of {model_of(job)} on {on}, with its interval; nothing else is in it."
    if price is not None:
        text += f" At {price.per_hour:.2f} {price.currency} an hour ({price.source})."
    if not _says_something_of_a_t4(run, job):
        text += " Whether Qwen3-0.6B fits a T4 only a run of it on a GPU can say."
    return text


def projection_rows(
    found: Sequence[Projection], run: RunRecord, job: Job, price: Price | None
) -> list[tuple[str, ...]]:
    """Return a row per corpus and framework, in the order of PROJECTION_HEADINGS."""
    comparable = _says_something_of_a_t4(run, job)

    def money(value: float) -> str:
        return f"{value:,.0f} {price.currency}" if price else units.NOTHING

    return [
        (
            f"{projection.tokens / 1e9:g} billion",
            projection.framework,
            str(projection.hours.n),
            interval_text(projection.hours, _days),
            units.NOTHING if projection.cost is None else interval_text(projection.cost, money),
            units.gibibytes(None if projection.peak_memory_bytes is None else projection.peak_memory_bytes.value),
            _fits(projection.peak_memory_bytes) if comparable else "not comparable",
        )
        for projection in found
    ]


def _says_something_of_a_t4(run: RunRecord, job: Job) -> bool:
    return run.experiment.device == "cuda" and model_of(job) == QWEN3_06B


def _stars(rating: Rating) -> str:
    text = NOT_MEASURED
    if rating.stars is not None:
        text = "★" * rating.stars + "☆" * (MOST_STARS - rating.stars) + f" {rating.score:.2f}"
        if rating.missing:
            text += " *"
    return text if rating.report_stars is None else f"{text} ({rating.report_stars})"


def _days(hours: float) -> str:
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:,.1f} days"


def _fits(peak: Estimate | None) -> str:
    if peak is None:
        return units.NOTHING
    return "fits" if (peak.high or peak.value) <= T4_BYTES else "does not fit"
