"""The matrix of stars, the recommendations and the projection as tables of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.analysis.estimates import Estimate
from harness.job.frameworks import FRAMEWORKS
from harness.job.job import Job
from harness.records.run_record import RunRecord
from harness.report.content.cells import Cell
from harness.report.content.comparison_words import interval_text
from harness.report.content.titles import framework_title
from harness.studies.claims.named_models import QWEN3_06B, model_of
from harness.studies.rubric.prices import Price
from harness.studies.rubric.projection import Projection
from harness.studies.rubric.rating import Rating
from harness.studies.rubric.recommend import Recommendation
from harness.studies.rubric.rules import MOST_STARS, Rubric
from harness.text import units
from harness.text.language import ENGLISH, Language

NOT_MEASURED = "not measured"
EVIDENCE_HEADINGS = ("criterion", "framework", "stars", "in the report", "score", "evidence (score and weight)")
RECOMMENDATION_HEADINGS = ("for", "order, with scores", "comes first with random weights", "left out")
PROJECTION_HEADINGS = ("tokens", "framework", "n", "time at the steady rate", "cost", "peak memory", "16 GB of a T4")
T4_BYTES = 16 * 10**9


def matrix_headings(language: Language = ENGLISH) -> tuple[str, ...]:
    """Return the headings of the matrix."""
    return (language.say("criterion"), *map(framework_title, FRAMEWORKS))


def matrix_rows(
    rubric: Rubric, ratings: Sequence[Rating], language: Language = ENGLISH
) -> list[tuple[str | Cell, ...]]:
    """Return a row per criterion and a column per framework: the stars, and the old report's below them.

    Each cell leads to its row of `evidence_rows`.
    """
    return [
        (language.say(criterion.title), *(_cell(rating, language) for rating in ratings if rating.criterion == name))
        for name, criterion in rubric.criteria.items()
    ]


def legend(rubric: Rubric, ratings: Sequence[Rating], language: Language = ENGLISH) -> str:
    """Say what the signs of the matrix mean."""
    where = language.say(rubric.report.where)
    texts = [language.say("Beside the stars: those of {where}. ▲ more here, ▼ fewer.", where=where)]
    if any(rating.lacks_gpu for rating in ratings):
        texts.append(language.say("No GPU: this run had none, and only a GPU can rate it."))
    if any(rating.missing and rating.stars for rating in ratings):
        texts.append(language.say("*: some evidence is missing."))
    return " ".join([*texts, language.say("Each cell leads to its evidence.")])


def evidence_rows(rubric: Rubric, ratings: Sequence[Rating]) -> list[tuple[str, ...]]:
    """Return a row per rating, in the order of EVIDENCE_HEADINGS: its score and the figures behind it."""
    return [
        (
            rubric.criteria[rating.criterion].title,
            rating.framework,
            _stars(rating) or _why_none(rating),
            units.NOTHING if rating.report_stars is None else str(rating.report_stars),
            units.NOTHING if rating.score is None else f"{rating.score:.2f}",
            "; ".join(_figures(rating, rubric.criteria[rating.criterion].measures)) or NOT_MEASURED,
        )
        for rating in ratings
    ]


def anchor_of_rating(rating: Rating) -> str:
    """Return the anchor of a rating's evidence."""
    return f"stars-{rating.criterion.replace('_', '-')}-{rating.framework}"


def rule_text(rubric: Rubric) -> str:
    """Return the rule in short sentences."""
    steps = ", ".join(f"{stars} from {score:g}" for stars, score in enumerate(rubric.thresholds, start=2))
    return (
        "A score is the weighted mean of the figures in its row. Each figure counts as a share from 0 to 1: of the "
        f"best rated framework's, or of all that was asked. Stars by score: 1, {steps}. Plain transformers is scored "
        "by the same rule, and lowers nobody's score."
    )


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


def _cell(rating: Rating, language: Language) -> Cell:
    stars, before = _stars(rating), rating.report_stars
    was = "" if before is None else language.say("report: {stars}", stars=str(before))
    to = anchor_of_rating(rating)
    if rating.stars is None:
        return Cell(text=language.say(_why_none(rating)), muted=was, to=to, tone="grey")
    if before is None or before == rating.stars:
        return Cell(text=stars, muted=was, to=to)
    better = rating.stars > before
    return Cell(text=stars, muted=f"{was} {'▲' if better else '▼'}", to=to, tone="up" if better else "down")


def _stars(rating: Rating) -> str:
    """Return the stars, marked if some measure is missing; empty without any."""
    if rating.stars is None:
        return ""
    return "★" * rating.stars + "☆" * (MOST_STARS - rating.stars) + (" *" if rating.missing else "")


def _why_none(rating: Rating) -> str:
    return "no GPU" if rating.lacks_gpu else NOT_MEASURED


def _figures(rating: Rating, weights: Mapping[str, float]) -> Iterator[str]:
    for measure, weight in weights.items():
        if measure in rating.figures:
            figure = rating.figures[measure]
            yield f"{measure.replace('_', ' ')}: {figure.figure} ({figure.value:.2f}, weight {weight:g})"
        else:
            yield f"{measure.replace('_', ' ')}: {NOT_MEASURED}"


def _days(hours: float) -> str:
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:,.1f} days"


def _fits(peak: Estimate | None) -> str:
    if peak is None:
        return units.NOTHING
    return "fits" if (peak.high or peak.value) <= T4_BYTES else "does not fit"
