"""Judge stars and recommendations, by the rule of recipes/rubric.yaml."""

from __future__ import annotations

from collections.abc import Iterable

from harness.analysis.estimates import Estimate
from harness.studies.claims.finding import ClaimFinding, Question, finding_of, seen_finding
from harness.studies.claims.gather import Recorded
from harness.studies.claims.measured_under import mismatches


def stars(question: Question, recorded: Recorded) -> Iterable[ClaimFinding]:
    """Yield whether a framework has the claimed stars by the rule."""
    subject, criterion = question.subject, question.part.what[0]
    for run in (run for run in recorded.rated if subject in run.under):
        for rating in run.ratings:
            if (rating.framework, rating.criterion) == (subject, criterion) and rating.stars is not None:
                count = Estimate(value=rating.stars, low=rating.stars, high=rating.stars, n=1)
                under = run.under[subject]
                section = f"{subject}, {criterion.replace('_', ' ')}"
                yield finding_of(question, under, section, count, mismatches(question.conditions, under))


def orders(question: Question, recorded: Recorded) -> Iterable[ClaimFinding]:
    """Yield whether the recommended frameworks come first by the rule."""
    claimed = question.part.what
    for run in recorded.rated:
        order = [name for name, _ in run.recommendation.order]
        if order and question.subject in run.under:
            seen = f"by the rubric: {', then '.join(order)}"
            holds = tuple(order[: len(claimed)]) == claimed
            under = run.under[question.subject]
            yield seen_finding(question, under, run.recommendation.profile, seen, holds=holds)


def why_none(question: Question) -> str:
    """Say that no run was rated in the criterion."""
    return f"no run was rated in this: {', '.join(question.part.what).replace('_', ' ')}"
