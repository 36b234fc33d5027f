from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from harness.files.json_files import finite

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_whatever_was_measured_is_strict_json_and_a_finite_number_stays_what_it_is(value: object) -> None:
    text = json.dumps(finite(value), allow_nan=False)
    assert json.loads(text) == finite(value)


def test_what_is_no_number_of_json_becomes_nothing() -> None:
    found = finite({"loss": [1.5, math.nan, math.inf, -math.inf], "steps": (1, 2)})
    assert found == {"loss": [1.5, None, None, None], "steps": [1, 2]}
