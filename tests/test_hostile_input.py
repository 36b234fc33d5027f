"""Nothing that is typed, or lies in a file, ends in a traceback: it works, or one message says what is wrong.

HOSTILE_EXAMPLES=20000 looks longer.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.job.frameworks import FRAMEWORKS
from harness.job.job import METHODS, Job
from harness.job.model_folder import shape_of
from harness.job.recipe import DEFAULT_RECIPE, Choices, resolve
from harness.job.set_option import job_fields
from harness.prepare.weight_files import INDEX, weight_files
from harness.prepare.weights import qwen3_config
from tests.conftest import hostile

WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "0", "-1", "010", "1e400", "nan", "9" * 400, "true", "null", "[]", "a,b", "[q_proj", "\x00", "\ud800"]
    ),
    st.integers().map(str),
    st.floats().map(str),
)
SETTINGS = st.builds(
    lambda key, value: f"{key}={value}", st.sampled_from([*job_fields(), "shape", "method"]) | WORDS, WORDS
)
NAMES = st.lists(st.sampled_from([*FRAMEWORKS, *METHODS, "parity", "tuned", "all", " "]) | WORDS, max_size=3).map(
    ",".join
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


@hostile
@given(
    chosen=st.fixed_dictionaries(
        {},
        optional={
            "profile": st.sampled_from(["cpu", "gpu", "gpu-80gb"]) | WORDS,
            "frameworks": NAMES,
            "methods": NAMES,
            "track": NAMES,
            "until": WORDS,
            "smallest_effect": WORDS,
            "max_repeats": st.integers(),
            "repeats": st.integers(),
            "seed": st.integers(),
            "timeout_seconds": st.floats(),
            "ceiling": st.booleans(),
            "aa": st.booleans(),
            "settings": st.lists(SETTINGS, max_size=3).map(tuple),
            "text_column": WORDS,
        },
    )
)
def test_no_options_make_a_traceback(chosen: dict[str, Any]) -> None:
    with contextlib.suppress(HarnessError):
        experiment = resolve(Choices(**chosen), gpu_present=False)
        assert Job.from_dict(json.loads(json.dumps(next(iter(experiment.jobs.values())).as_dict())))


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(DEFAULT_RECIPE.read_text(encoding="utf-8"))
    return content


def replaced(content: Any, draw: st.DataObject) -> Any:
    """The same with something else at a place that is drawn."""
    if isinstance(content, dict) and content and draw.draw(st.integers(0, 4)):
        key = draw.draw(st.sampled_from(sorted(content)))
        return {**content, key: replaced(content[key], draw)}
    return draw.draw(VALUES)


@hostile
@given(draw=st.data())
def test_no_recipe_makes_a_traceback(tmp_path: Path, recipe: dict[str, Any], draw: st.DataObject) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(replaced(recipe, draw)), encoding="utf-8")
    with contextlib.suppress(HarnessError):
        resolve(Choices(recipe=path, profile="cpu"), gpu_present=False)


@hostile
@given(draw=st.data())
def test_no_model_folder_makes_a_traceback(tmp_path: Path, tiny_job: Job, draw: st.DataObject) -> None:
    config = replaced(qwen3_config(tiny_job.shape, "fp32"), draw)
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / INDEX).write_text(json.dumps(replaced({"weight_map": {"a": "b.safetensors"}}, draw)), encoding="utf-8")
    (tmp_path / "b.safetensors").write_bytes(draw.draw(st.binary(max_size=40)))
    with contextlib.suppress(HarnessError):
        weight_files(tmp_path, shape_of(tmp_path))
