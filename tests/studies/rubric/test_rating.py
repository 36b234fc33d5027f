"""The rule over the recorded reference run, and over facts with parts of it taken away."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.files.locations import SOURCE_ROOT
from harness.job.frameworks import FRAMEWORKS
from harness.records.checked_run import read_checked
from harness.records.run_folder import RunFolder
from harness.report.content import stars
from harness.report.content.cells import Cell, text_of
from harness.studies.rubric.facts import RATED, Facts, gather_facts
from harness.studies.rubric.measures import MEASURES, less_is_better, more_is_better
from harness.studies.rubric.prices import Price
from harness.studies.rubric.projection import project
from harness.studies.rubric.rating import Rating, rate
from harness.studies.rubric.recommend import recommend
from harness.studies.rubric.rules import read_rubric

REFERENCE = RunFolder(SOURCE_ROOT / "results" / "reference-cpu")
RUBRIC = read_rubric()


@pytest.fixture(scope="module")
def facts() -> Facts:
    return gather_facts(read_checked(REFERENCE))


def on_a_gpu(facts: Facts) -> Facts:
    return dataclasses.replace(facts, experiment=dataclasses.replace(facts.experiment, device="cuda"))


def rating(ratings: tuple[Rating, ...], framework: str, criterion: str) -> Rating:
    return next(rating for rating in ratings if (rating.framework, rating.criterion) == (framework, criterion))


def test_every_measure_of_the_reference_run_is_a_share(facts: Facts) -> None:
    for name, measure in MEASURES.items():
        scores = measure(facts)
        assert set(scores) <= set(FRAMEWORKS), name
        assert all(0 <= score.value <= 1 + 1e-9 and score.figure for score in scores.values()), name


def test_a_run_on_a_cpu_rates_nothing_that_needs_a_gpu(facts: Facts) -> None:
    ratings = rate(RUBRIC, facts)
    assert len(ratings) == len(RUBRIC.criteria) * len(FRAMEWORKS)
    assert {rating.criterion for rating in ratings if rating.lacks_gpu} == {"speed", "memory", "several_gpus"}
    assert all((rating.stars is None) == rating.lacks_gpu for rating in ratings)
    cell = stars.matrix_rows(RUBRIC, ratings)[0][2]
    assert isinstance(cell, Cell)
    assert (cell.text, cell.muted, cell.tone) == ("no GPU", "report: 5", "grey")


def test_plain_transformers_is_rated_and_lowers_nobodys_score(facts: Facts) -> None:
    facts = on_a_gpu(facts)
    without = dataclasses.replace(
        facts,
        cells=[cell for cell in facts.cells if cell.framework != "transformers"],
        probes=[probe for probe in facts.probes if probe.framework != "transformers"],
    )
    scores, others = ({(one.framework, one.criterion): one.score for one in rate(RUBRIC, f)} for f in (facts, without))
    assert {key: scores[key] for key in scores if key[0] in RATED} == {
        key: others[key] for key in others if key[0] in RATED
    }
    assert scores["transformers", "ease_of_use"] is not None


def test_every_rating_leads_to_its_evidence(facts: Facts) -> None:
    ratings = rate(RUBRIC, facts)
    leads = {cell.to for row in stars.matrix_rows(RUBRIC, ratings) for cell in row if isinstance(cell, Cell)}
    assert leads == {stars.anchor_of_rating(rating) for rating in ratings}
    assert len(stars.evidence_rows(RUBRIC, ratings)) == len(leads)


def test_more_stars_than_in_the_old_report_are_up_and_fewer_are_down(facts: Facts) -> None:
    ratings = rate(RUBRIC, facts)
    tones = {
        (name, rating.criterion): cell.tone
        for row, criterion in zip(stars.matrix_rows(RUBRIC, ratings), RUBRIC.criteria, strict=True)
        for name, cell in zip(FRAMEWORKS, row[1:], strict=True)
        for rating in ratings
        if (rating.framework, rating.criterion) == (name, criterion) and isinstance(cell, Cell)
    }
    for one in ratings:
        if one.stars is not None and one.report_stars is not None:
            expected = "up" if one.stars > one.report_stars else "down" if one.stars < one.report_stars else ""
            assert tones[one.framework, one.criterion] == expected


def test_a_criterion_without_evidence_is_not_measured_and_never_guessed(facts: Facts) -> None:
    bare = dataclasses.replace(on_a_gpu(facts), cells=[], searches=[], probes=[], registry={})
    ratings = rate(RUBRIC, bare)
    for criterion in ("speed", "memory", "several_gpus", "community", "documentation"):
        assert {rating(ratings, name, criterion).stars for name in RATED} == {None}
    assert text_of(stars.matrix_rows(RUBRIC, ratings)[0][2]) == "not measured (report: 5)"
    found = {recommendation.profile: recommendation for recommendation in recommend(RUBRIC, ratings)}
    assert set(found["many GPUs"].unmeasured) == {"several_gpus", "speed", "memory", "documentation"}
    assert found["many GPUs"].order == ()


def test_a_framework_that_lacks_a_section_has_no_speed(facts: Facts) -> None:
    fewer = [cell for cell in facts.cells if (cell.framework, cell.method) != ("axolotl", "full")]
    ratings = rate(RUBRIC, dataclasses.replace(on_a_gpu(facts), cells=fewer))
    assert rating(ratings, "axolotl", "speed").stars is None
    assert rating(ratings, "torchtune", "speed").stars is not None


def test_half_the_rate_is_half_the_score(facts: Facts) -> None:
    slow = [
        cell.model_copy(update={"tokens_per_second": (cell.tokens_per_second or 0) / 2})
        if cell.framework == "unsloth"
        else cell
        for cell in facts.cells
    ]
    before = MEASURES["steady_rate"](facts)["unsloth"].value
    others = max(score.value for name, score in MEASURES["steady_rate"](facts).items() if name != "unsloth")
    after = MEASURES["steady_rate"](dataclasses.replace(facts, cells=slow))["unsloth"].value
    assert after == pytest.approx(before / 2 / others, rel=0.05)


def test_a_difference_from_the_report_is_told_with_its_evidence(facts: Facts) -> None:
    for rating in rate(RUBRIC, facts):
        rated = rating.stars is not None and rating.report_stars is not None
        assert bool(rating.difference) == (rated and rating.stars != rating.report_stars)
        if rating.difference:
            assert f"{rating.report_stars} in the report, {rating.stars} here: " in rating.difference
            assert any(score.figure in rating.difference for score in rating.figures.values())


@given(st.dictionaries(st.sampled_from(RATED), st.floats(0.01, 1e9), min_size=1))
def test_shares_of_the_best_keep_the_order(figures: dict[str, float]) -> None:
    more, less = more_is_better(figures, str), less_is_better(figures, str)
    assert max(score.value for score in more.values()) == 1
    assert max(score.value for score in less.values()) == 1
    ordered = sorted(figures, key=lambda name: figures[name])
    assert [more[name].value for name in ordered] == sorted(score.value for score in more.values())
    assert [less[name].value for name in reversed(ordered)] == sorted(score.value for score in less.values())


def test_who_is_best_at_everything_wins_whatever_the_weights() -> None:
    ratings = tuple(
        Rating(
            framework=name,
            criterion=criterion,
            score=1.0 if name == "torchtune" else 0.5,
            stars=5,
            report_stars=None,
            figures={},
            missing=(),
        )
        for criterion in RUBRIC.criteria
        for name in RATED
    )
    for recommendation in recommend(RUBRIC, ratings):
        assert recommendation.order[0][0] == "torchtune"
        assert recommendation.order[0][1] == pytest.approx(1.0)
        assert recommendation.wins["torchtune"] == 1
    assert "is not what follows here: torchtune" in stars.old_recommendation(RUBRIC, recommend(RUBRIC, ratings), "x")


def test_a_projection_carries_the_interval_through() -> None:
    records = read_checked(REFERENCE).cells
    first, *_ = project(records, "qlora", Price(per_hour=2.0, currency="EUR", source="a bill"))
    assert first.tokens == 10_000_000_000
    assert first.hours.low is not None
    assert first.hours.high is not None
    assert first.hours.low < first.hours.value < first.hours.high
    assert first.cost is not None
    assert first.cost.value == pytest.approx(2 * first.hours.value)
    assert first.framework.startswith("transformers ")
    cells = [cell for cell in records if (cell.framework, cell.method) == ("transformers", "qlora")]
    rates = [cell.tokens_per_second for cell in cells if cell.tokens_per_second is not None]
    assert first.tokens / 3600 / max(rates) < first.hours.value < first.tokens / 3600 / min(rates)


def test_a_small_model_on_a_cpu_says_nothing_of_a_t4() -> None:
    run, records = REFERENCE.read_run(), read_checked(REFERENCE).cells
    job = REFERENCE.read_job(records[0].cell)
    rows = stars.projection_rows(project(records, "qlora"), run, job, None)
    assert {row[-1] for row in rows} == {"not comparable"}
