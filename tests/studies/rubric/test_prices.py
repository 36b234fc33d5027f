from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import RecipeError
from harness.studies.rubric.prices import price_of


@pytest.mark.parametrize(
    ("gpu", "per_hour"),
    [
        ("NVIDIA H200", 4.45),
        ("NVIDIA H100 80GB HBM3", 6.88),
        ("NVIDIA H100 PCIe", 2.89),
        ("NVIDIA A100-SXM4-80GB", 3.43),
        ("NVIDIA A100-SXM4-40GB", 2.74),
    ],
)
def test_a_gpu_has_the_price_of_its_own_kind_with_source_and_date(gpu: str, per_hour: float) -> None:
    price = price_of(gpu)
    assert price is not None
    assert (price.per_hour, price.currency) == (per_hour, "USD")
    assert price.source.endswith(("2026-11-09", "2026-09-20"))


@pytest.mark.parametrize("gpu", [None, "Tesla T4", "NVIDIA A100-SXM4", "Imaginary 9000"])
def test_what_the_table_does_not_name_has_no_price(gpu: str | None) -> None:
    assert price_of(gpu) is None


def test_a_price_without_a_date_names_file_line_and_key(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("prices:\n  - gpu: T4\n    usd_per_hour: 0.5\n    where: a list\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"prices\.yaml, line 2: prices\.0\.date: is missing"):
        price_of("Tesla T4", path)
