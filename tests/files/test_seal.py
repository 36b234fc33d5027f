from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from harness.files.seal import FIELD, edited_files, is_sealed, sealed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_what_was_sealed_is_known_again_after_it_was_written_and_read(content: dict[str, object]) -> None:
    assert is_sealed(json.loads(json.dumps(sealed(content))))


@given(st.dictionaries(st.text().filter(lambda name: name != FIELD), st.integers(), min_size=1, max_size=4), st.data())
def test_one_changed_value_breaks_the_seal(content: dict[str, int], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(content)))
    assert not is_sealed({**sealed(content), name: content[name] + 1})
    assert not is_sealed({key: value for key, value in sealed(content).items() if key != name})


def test_an_object_without_a_seal_is_not_sealed() -> None:
    assert not is_sealed({"name": "run"})


def test_a_folder_whose_seal_is_not_one_says_so(tmp_path: Path) -> None:
    (tmp_path / "seal.json").write_text("[]", encoding="utf-8")
    assert edited_files(tmp_path) == ["seal.json"]
