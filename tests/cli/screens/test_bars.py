from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.cli.screens.bars import LEVELS, bar, sparkline

ANY = st.none() | st.floats()
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(ANY, max_size=60), st.integers(1, 20))
def test_a_sparkline_fits_its_width_and_holds_levels_alone(values: list[float | None], width: int) -> None:
    line = sparkline(values, width)
    assert len(line) <= width
    assert set(line) <= set(LEVELS)


@given(st.lists(FINITE, min_size=2, max_size=12))
@example([0.0, 5e-324])
def test_a_sparkline_is_high_where_the_values_are(values: list[float]) -> None:
    levels = [LEVELS.index(character) for character in sparkline(values, 12)]
    pairs = sorted(zip(values, levels, strict=True))
    assert [level for _, level in pairs] == sorted(levels)


@pytest.mark.parametrize(
    ("value", "drawn"), [(8.0, "████"), (4.0, "██"), (5.0, "██▌"), (0.0, ""), (None, ""), (float("nan"), ""), (9.0, "")]
)
def test_a_bar_is_the_share_of_the_largest(value: float | None, drawn: str) -> None:
    assert bar(value, 8.0, 4) == drawn
