"""Formats, their sizes, and what llama.cpp cannot store."""

from __future__ import annotations

import dataclasses

import pytest

from harness.errors import RecipeError
from harness.studies.deploy.quantizations import (
    QUANTIZATIONS,
    choose_quantizations,
    file_bytes,
    key_value_bytes_per_token,
    why_not_quantizable,
)
from tests.studies.deploy.records import BYTES, full_shape_job


@pytest.mark.parametrize("name", list(BYTES))
def test_the_size_of_a_file_is_known_before_it_is_made(name: str) -> None:
    expected = file_bytes(full_shape_job().shape, QUANTIZATIONS[name])
    assert BYTES[name] <= expected <= 1.03 * BYTES[name]


def test_the_cache_of_qwen3_takes_112_kib_a_token() -> None:
    assert key_value_bytes_per_token(full_shape_job().shape) == 112 * 1024


def test_formats_come_largest_first_whatever_their_order() -> None:
    assert [one.name for one in choose_quantizations("q4_k_m, F16,q8_0")] == ["f16", "q8_0", "q4_k_m"]


@pytest.mark.parametrize(
    ("text", "words"), [("q4_km", "did you mean q4_k_m"), ("int4", "is not one of f16, bf16"), (" , ", "names none")]
)
def test_an_unknown_format_is_refused_with_what_is_allowed(text: str, words: str) -> None:
    with pytest.raises(RecipeError, match="--quantize") as refused:
        choose_quantizations(text)
    assert words in str(refused.value)


def test_a_format_with_blocks_needs_rows_of_whole_blocks() -> None:
    odd = dataclasses.replace(full_shape_job().shape, intermediate_size=3000)
    assert "intermediate_size is 3000" in why_not_quantizable(odd, QUANTIZATIONS["q8_0"])
    assert not why_not_quantizable(odd, QUANTIZATIONS["f16"])
    assert not why_not_quantizable(full_shape_job().shape, QUANTIZATIONS["q8_0"])
