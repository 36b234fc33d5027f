"""Whatever lies in a model's folder beside the model, every framework trains the same one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from harness.files.locations import cache_root
from harness.job.job import Job
from harness.prepare import prepare
from harness.prepare.weight_files import INDEX, WHOLE
from tests.conftest import SMALL, harness

pytestmark = pytest.mark.slow


@pytest.fixture
def model(small_job: Job, tmp_path: Path) -> Path:
    """A copy of a model, as a user has one."""
    folder = tmp_path / "model"
    shutil.copytree(prepare(small_job, cache_root()).model_path, folder)
    (folder / "key.json").unlink()
    return folder


@pytest.mark.usefixtures("environments")
@pytest.mark.parametrize("kind", ["with other weights beside it", "in shards"])
def test_frameworks_train_the_model_that_transformers_would_choose(model: Path, tmp_path: Path, kind: str) -> None:
    with safe_open(model / WHOLE, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if kind == "in shards":
        names = sorted(tensors)
        parts = {"model-1.safetensors": names[:9], "model-2.safetensors": names[9:]}
        for part, names in parts.items():
            save_file({name: tensors[name] for name in names}, model / part)
        mapped = {name: part for part, names in parts.items() for name in names}
        (model / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": mapped}), encoding="utf-8")
        (model / WHOLE).unlink()
    else:
        for stray in ("original.safetensors", "consolidated.safetensors", "adapter_model.safetensors"):
            save_file({name: values * 1.5 for name, values in tensors.items()}, model / stray)
        (model / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 8}), encoding="utf-8")
    settings = [word for setting in (*SMALL, f"model={model}") for word in ("--set", setting)]
    done = harness("audit", "--frameworks", "transformers,torchtune", "--methods", "lora", *settings, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for framework in ("transformers", "torchtune"):
        assert f"audit, {framework} lora: the same job\n" in done.stdout
