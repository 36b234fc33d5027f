from __future__ import annotations

from typing import Any

import pytest

from harness.studies.claims.gather import Recorded
from harness.studies.claims.judge import judge
from harness.studies.claims.ratings import RatedRun
from harness.studies.rubric.rating import Rating
from harness.studies.rubric.recommend import Recommendation
from tests.studies.claims.some_evidence import claim, under


def rated_run(stars: int | None, *order: str, **changed: Any) -> RatedRun:
    rating = Rating(
        framework="unsloth",
        criterion="community",
        score=None if stars is None else 0.5,
        stars=stars,
        report_stars=5,
        figures={},
        missing=(),
    )
    recommendation = Recommendation(
        profile="beginner", order=tuple((name, 1.0) for name in order), wins={}, unmeasured=()
    )
    return RatedRun(under={"unsloth": under("unsloth", **changed)}, ratings=(rating,), recommendation=recommendation)


@pytest.mark.parametrize(("stars", "verdict"), [(5, "confirmed"), (4, "refuted"), (None, "not measured")])
def test_claimed_stars_are_held_against_those_of_the_rule(stars: int | None, verdict: str) -> None:
    claimed = claim(parts=[{"metric": "stars", "what": ["community"], "at_least": 5, "at_most": 5}])
    assert judge(claimed, Recorded(rated=(rated_run(stars),))).verdict == verdict


@pytest.mark.parametrize(
    ("order", "verdict"),
    [
        (("unsloth", "llamafactory", "axolotl"), "confirmed"),
        (("llamafactory", "unsloth", "axolotl"), "refuted"),
        ((), "not measured"),
    ],
)
def test_a_recommendation_is_held_against_the_order_of_the_rule(order: tuple[str, ...], verdict: str) -> None:
    claimed = claim(parts=[{"metric": "recommended", "what": ["unsloth", "llamafactory"]}])
    assert judge(claimed, Recorded(rated=(rated_run(3, *order),))).verdict == verdict


def test_stars_of_another_machine_than_the_claims_settle_nothing() -> None:
    parts = [{"metric": "stars", "what": ["community"], "at_least": 5}]
    claimed = claim(parts=parts, conditions={"device": "cuda"})
    on_a_cpu = rated_run(5, device="cpu", machine="a CPU")
    assert judge(claimed, Recorded(rated=(on_a_cpu,))).verdict == "not comparable"
