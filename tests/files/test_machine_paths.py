"""What is recorded names no folder of this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import RecipeError
from harness.files.locations import cache_root
from harness.files.machine_paths import without_machine_paths


def test_paths_of_this_machine_are_given_names() -> None:
    text = without_machine_paths(f"{cache_root()}/models/x and {Path.home()}/y and /tmp/harness-ab_12cd/z")
    assert text.startswith("$CACHE/models/x and ~/y and ")
    assert json.dumps(str(Path.home())) not in json.dumps(text)


def test_the_folder_of_a_node_s_own_interpreter_is_not_named() -> None:
    text = "it/s]/opt/node/lib/python3.12/site-packages/torch/nn/functional.py:2954: /usr/lib/python3.12/json/x.py"
    renamed = "it/s]$PYTHON/lib/python3.12/site-packages/torch/nn/functional.py:2954: $PYTHON/lib/python3.12/json/x.py"
    assert without_machine_paths(text) == renamed
    built = f"{cache_root()}/environments/a/lib/python3.12/x.py"
    assert without_machine_paths(built) == "$CACHE/environments/a/lib/python3.12/x.py"


def test_a_user_without_a_home_folder_is_told_to_name_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", "~no-such-user/cache")
    with pytest.raises(RecipeError, match="HARNESS_CACHE"):
        cache_root()
