"""Ratings and the weights of a kind of user -> an order, and how much it depends on the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.studies.rubric.facts import RATED
from harness.studies.rubric.rating import Rating
from harness.studies.rubric.rules import Rubric

DRAWS = 10_000
CONCENTRATION = 10.0
"""Concentration of the weights' Dirichlet distribution: each of three equal weights has a standard deviation of 0.14.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recommendation:
    """The order for one kind of user."""

    profile: str
    order: tuple[tuple[str, float], ...]
    """Frameworks with their scores, best first; empty if nothing that counts was measured."""
    wins: Mapping[str, float]
    """How often each comes first when the weights are drawn at random around the profile's."""
    unmeasured: tuple[str, ...]
    """Criteria that count and were not measured for all frameworks."""


def recommend(rubric: Rubric, ratings: Sequence[Rating]) -> tuple[Recommendation, ...]:
    """Return the recommendation for each profile of the rule."""
    scores = {
        name: [
            next(rating.score for rating in ratings if (rating.criterion, rating.framework) == (name, who))
            for who in RATED
        ]
        for name in rubric.criteria
    }
    return tuple(_for(profile, weights, scores) for profile, weights in rubric.profiles.items())


def _for(profile: str, weights: Mapping[str, float], scores: Mapping[str, Sequence[float | None]]) -> Recommendation:
    counted = [name for name in weights if weights[name] and None not in scores[name]]
    unmeasured = tuple(name for name in weights if weights[name] and name not in counted)
    if not counted:
        return Recommendation(profile=profile, order=(), wins={}, unmeasured=unmeasured)
    matrix = np.array([scores[name] for name in counted], dtype=np.float64)
    shares = np.array([weights[name] for name in counted])
    totals = shares / shares.sum() @ matrix
    order = sorted(zip(RATED, map(float, totals), strict=True), key=lambda pair: -pair[1])
    draws = np.random.default_rng(0).dirichlet(CONCENTRATION * shares / shares.sum(), DRAWS)
    firsts = np.bincount((draws @ matrix).argmax(axis=1), minlength=len(RATED)) / DRAWS
    return Recommendation(
        profile=profile,
        order=tuple(order),
        wins=dict(zip(RATED, map(float, firsts), strict=True)),
        unmeasured=unmeasured,
    )
