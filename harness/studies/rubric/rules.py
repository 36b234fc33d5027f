"""recipes/rubric.yaml, checked: criteria, measures and weights, thresholds, and the stars of the old report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pydantic

from harness.errors import RecipeError
from harness.files.locations import RECIPES
from harness.files.yaml_files import Strict, nearest, read_yaml
from harness.job.frameworks import FRAMEWORKS
from harness.studies.rubric.measures import MEASURES

RUBRIC = RECIPES / "rubric.yaml"
MOST_STARS = 5
Weight = Annotated[float, pydantic.Field(ge=0)]
Share = Annotated[float, pydantic.Field(gt=0, le=1)]
Stars = Annotated[int, pydantic.Field(ge=1, le=MOST_STARS)]


class Criterion(Strict):
    """One column of the matrix."""

    title: str = pydantic.Field(min_length=1)
    needs_gpu: bool = False
    """True if a run on a CPU says nothing about it."""
    measures: dict[str, Weight] = pydantic.Field(min_length=1)

    @pydantic.field_validator("measures")
    @classmethod
    def _are_known(cls, measures: dict[str, float]) -> dict[str, float]:
        for name in measures:
            if name not in MEASURES:
                raise ValueError(f"{name} is no measure{nearest(name, MEASURES)}; known are {', '.join(MEASURES)}")
        if not any(measures.values()):
            raise ValueError("all weights are 0")
        return measures


class OldReport(Strict):
    """The old report's matrix, which is made again here."""

    where: str
    stars: dict[str, dict[str, Stars]]
    recommended: list[str]


class Rubric(Strict):
    """The whole rule."""

    thresholds: tuple[Share, Share, Share, Share]
    criteria: dict[str, Criterion] = pydantic.Field(min_length=1)
    report: OldReport
    profiles: dict[str, dict[str, Weight]] = pydantic.Field(min_length=1)

    @pydantic.model_validator(mode="after")
    def _fits_together(self) -> Rubric:
        if list(self.thresholds) != sorted(set(self.thresholds)):
            raise ValueError("thresholds must rise")
        named = {
            **{who: list(stars) for who, stars in self.report.stars.items()},
            **{p: list(w) for p, w in self.profiles.items()},
        }
        for who, names in named.items():
            for name in names:
                if name not in self.criteria:
                    raise ValueError(f"{who}: {name} is no criterion{nearest(name, self.criteria)}")
        for name in (*self.report.stars, *self.report.recommended):
            if name not in FRAMEWORKS:
                raise ValueError(f"{name} is not a framework{nearest(name, FRAMEWORKS)}")
        for profile, weights in self.profiles.items():
            if not any(weights.values()):
                raise ValueError(f"{profile}: all weights are 0")
        return self


def read_rubric(path: Path = RUBRIC) -> Rubric:
    """Return the rule in a file. Raises RecipeError."""
    try:
        return read_yaml(path, Rubric, what="a rubric", sections=[Criterion, OldReport])
    except FileNotFoundError as error:
        raise RecipeError(path, None, "no such file") from error
