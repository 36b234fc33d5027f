from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import RecipeError
from harness.files.yaml_files import Loader
from harness.job.recipe import DEFAULT_RECIPE, Choices, resolve


def read(text: str) -> object:
    return yaml.load(text, Loader=Loader)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10),
        ("1:04", "1:04"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("yes", "yes"),
        ("on", "on"),
        ("2026-01-31", "2026-01-31"),
        ("2e-4", 2e-4),
        (".5", 0.5),
        (".inf", ".inf"),
        ("true", True),
        ("null", None),
        ("'true'", "true"),
    ],
)
def test_a_plain_word_means_what_it_looks_like(text: str, value: object) -> None:
    found = read(f"key: {text}")
    assert found == {"key": value}
    assert isinstance(found, dict)
    assert type(found["key"]) is type(value)


def test_a_merged_key_that_is_said_again_stands_once() -> None:
    text = "base: &b {k: 1, other: 3}\nx: {y: &y {<<: *b, k: 2}}\nz: {<<: *y, k: 4}\n"
    assert read(text) == {
        "base": {"k": 1, "other": 3},
        "x": {"y": {"k": 2, "other": 3}},
        "z": {"k": 4, "other": 3},
    }
    with pytest.raises(yaml.YAMLError, match="k stands twice"):
        read("base: &b {k: 1}\nz: {<<: *b, k: 2, k: 3}")


def edited(tmp_path: Path, old: str, new: str) -> str:
    """What is said of the reference recipe once `old` is `new` in it."""
    text = DEFAULT_RECIPE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "own.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RecipeError) as refused:
        resolve(Choices(recipe=path, profile="cpu"), gpu_present=False)
    return str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  seed: 0", "  seed: 0\n  seed: 1", "own.yaml: is not YAML (seed stands twice"),
        ("    repeats: 3", "    repeats: yes", "repeats: 'yes': input should be a valid integer"),
        ("    repeats: 3", "    repeats: true", "is neither a number nor text"),
        ("  lora_rank: 16", "  lora_rank: true", "lora_rank: true is neither a number nor text"),
        ("  lora_rank: 16", "  lora_rank: 1:04", "lora_rank: '1:04': input should be a valid integer"),
        ("      model: random", "      model: 2025", "model: 2025: input should be a valid string"),
        ("  compile: false", "  compile: no thanks", "compile: 'no thanks': input should be a valid boolean"),
    ],
)
def test_a_value_that_other_readers_would_turn_into_another_is_refused(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert words in edited(tmp_path, old, new)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(DEFAULT_RECIPE.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert resolve(Choices(recipe=path), gpu_present=False).profile == "cpu"


@pytest.mark.parametrize("text", ["[" * 50_000, "? [1, 2]\n: 3", "a: " + "9" * 5000, "a: &a [*a]", "1: 2", "\x00"])
def test_what_no_recipe_can_be_is_refused_in_a_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=r"own\.yaml"):
        resolve(Choices(recipe=path), gpu_present=False)


@given(text=st.text(max_size=80))
def test_no_text_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("recipes") / "own.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(RecipeError):
        resolve(Choices(recipe=path), gpu_present=False)
