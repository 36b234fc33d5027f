"""recipes/prices.yaml -> the price of a GPU hour, by a dated list."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from pathlib import Path

import pydantic

from harness.files.locations import RECIPES
from harness.files.yaml_files import Strict, read_yaml

PRICES = RECIPES / "prices.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """Price of an hour of the measured machine."""

    per_hour: float
    currency: str
    source: str
    """Whose list it is, and when."""


class _Entry(Strict):
    gpu: str = pydantic.Field(min_length=1)
    usd_per_hour: float = pydantic.Field(gt=0)
    where: str = pydantic.Field(min_length=1)
    date: datetime.date


class _PricesFile(Strict):
    prices: tuple[_Entry, ...]


def price_of(gpu: str | None, path: Path = PRICES) -> Price | None:
    """Return the price of a GPU by its driver's name; None for a CPU and for a GPU that is not in the table.

    Raises RecipeError.
    """
    if gpu is None or not path.is_file():
        return None
    words = _words(gpu)
    for price in read_yaml(path, _PricesFile, what="a table of prices", sections=[_Entry]).prices:
        if _words(price.gpu) <= words:
            return Price(per_hour=price.usd_per_hour, currency="USD", source=f"{price.where}, {price.date}")
    return None


def _words(name: str) -> set[str]:
    return set(re.split(r"[\s-]+", name.casefold()))
