from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import RecipeError
from harness.studies.rubric.rating import stars_of
from harness.studies.rubric.rules import RUBRIC, read_rubric

TEXT = RUBRIC.read_text(encoding="utf-8")


def test_the_rule_has_the_reports_seven_criteria_and_its_stars() -> None:
    rubric = read_rubric()
    assert len(rubric.criteria) == 7
    assert set(rubric.report.stars) == {"unsloth", "axolotl", "torchtune", "llamafactory"}
    assert all(set(stars) == set(rubric.criteria) for stars in rubric.report.stars.values())
    assert rubric.report.stars["torchtune"]["documentation"] == 5


def test_stars_follow_from_thresholds() -> None:
    rubric = read_rubric()
    assert [stars_of(score, rubric) for score in (0.0, 0.29, 0.3, 0.5, 0.69, 0.7, 0.9, 1.0)] == [1, 1, 2, 3, 3, 4, 5, 5]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("steady_rate: 3", "steady_rte: 3"), "steady_rte is no measure; did you mean steady_rate?"),
        (("steady_rate: 3", "steady_rate: -3"), "greater than or equal to 0"),
        (("{steady_rate: 3, end_to_end_rate: 1}", "{steady_rate: 0}"), "all weights are 0"),
        (("[0.3, 0.5, 0.7, 0.9]", "[0.5, 0.3, 0.7, 0.9]"), "thresholds must rise"),
        (("[0.3, 0.5, 0.7, 0.9]", "[0.3, 0.5, 0.7, 1.9]"), "less than or equal to 1"),
        (("several_gpus: 4, speed: 3", "several_gpu: 4, speed: 3"), "several_gpu is no criterion"),
        (("    unsloth: {", "    unslooth: {"), "unslooth is not a framework"),
        (("ease_of_use: 5, speed: 5", "ease_of_use: 6, speed: 5"), "less than or equal to 5"),
        (("title: memory", "titel: memory"), "criteria.memory.title: is missing"),
        (("title: memory", "title: memory\n    titel: x"), "did you mean title?"),
    ],
)
def test_a_broken_rule_is_named_by_file_and_line(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    path = tmp_path / "rubric.yaml"
    assert change[0] in TEXT
    path.write_text(TEXT.replace(*change, 1), encoding="utf-8")
    with pytest.raises(RecipeError) as refused:
        read_rubric(path)
    assert "rubric.yaml, line " in str(refused.value)
    assert words in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        read_rubric(tmp_path / "rubric.yaml")
