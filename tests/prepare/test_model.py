from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from harness.errors import ModelError
from harness.files.locations import cache_root
from harness.job.job import Job
from harness.prepare.model import open_checkpoint
from harness.prepare.weights import write_initial_adapter, write_random_model


def tensors_in(path: Path) -> dict[str, np.ndarray]:
    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


@pytest.fixture
def model_folder(tiny_job: Job, tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    write_random_model(tiny_job.shape, "fp32", 0, folder)
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    return folder


def test_a_random_model_has_as_many_weights_as_its_shape_and_no_trivial_norm(tiny_job: Job, model_folder: Path) -> None:
    tensors = tensors_in(model_folder / "model.safetensors")
    assert sum(tensor.size for tensor in tensors.values()) == tiny_job.shape.parameters
    norms = [tensor for name, tensor in tensors.items() if "norm" in name]
    assert len(norms) == 4 * tiny_job.shape.num_hidden_layers + 1
    assert all(0.15 < tensor.std() < 0.45 for tensor in norms)
    assert abs(tensors["model.embed_tokens.weight"].std() - 0.02) < 0.001


def test_the_seed_decides_the_weights(tiny_job: Job, tmp_path: Path) -> None:
    files = []
    for number, seed in enumerate((0, 0, 1)):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_random_model(tiny_job.shape, "fp32", seed, folder)
        files.append((folder / "model.safetensors").read_bytes())
    assert files[0] == files[1] != files[2]


def test_bf16_weights_are_the_fp32_ones_rounded(tiny_job: Job, tmp_path: Path) -> None:
    values = {}
    for precision in ("fp32", "bf16"):
        folder = tmp_path / precision
        folder.mkdir()
        write_random_model(tiny_job.shape, precision, 0, folder)
        values[precision] = tensors_in(folder / "model.safetensors")["model.norm.weight"].astype(np.float32)
    assert np.abs(values["bf16"] / values["fp32"] - 1).max() <= 2**-8
    assert not np.array_equal(values["bf16"], values["fp32"])


def test_the_initial_adapter_adds_nothing_yet_and_has_the_jobs_size(tiny_job: Job, tmp_path: Path) -> None:
    write_initial_adapter(tiny_job, tmp_path)
    tensors = tensors_in(tmp_path / "adapter_model.safetensors")
    assert sum(tensor.size for tensor in tensors.values()) == tiny_job.trainable_parameters
    assert all(not tensor.any() for name, tensor in tensors.items() if "lora_B" in name)
    assert all(tensor.any() for name, tensor in tensors.items() if "lora_A" in name)


def test_a_local_model_is_taken_as_it_is(tiny_job: Job, model_folder: Path) -> None:
    checkpoint = open_checkpoint(dataclasses.replace(tiny_job, model=str(model_folder)), cache_root())
    assert (checkpoint.path / "model.safetensors").samefile(model_folder / "model.safetensors")
    assert checkpoint.weight_files == ("model.safetensors",)
    assert checkpoint.source == "local folder model"


def test_frameworks_are_given_nothing_that_is_no_part_of_the_model(tiny_job: Job, model_folder: Path) -> None:
    for stray in ("original.safetensors", "consolidated.safetensors", "adapter_model.safetensors", "pytorch_model.bin"):
        (model_folder / stray).write_bytes(b"stray")
    for stray in ("adapter_config.json", "model.safetensors.index.json", "modeling_qwen3.py"):
        (model_folder / stray).write_text("{}", encoding="utf-8")
    checkpoint = open_checkpoint(dataclasses.replace(tiny_job, model=str(model_folder)), cache_root())
    given = {path.name for path in checkpoint.path.iterdir()}
    assert given == {"config.json", "model.safetensors", "tokenizer.json", "key.json"}


def test_a_model_that_changed_in_its_folder_is_another_one(tiny_job: Job, model_folder: Path) -> None:
    job = dataclasses.replace(tiny_job, model=str(model_folder))
    before = open_checkpoint(job, cache_root())
    write_random_model(tiny_job.shape, "fp32", 1, model_folder)
    after = open_checkpoint(job, cache_root())
    assert before.path != after.path
    assert before.sha256 != after.sha256


def test_without_a_hub_the_random_model_says_what_it_stands_for(small_job: Job) -> None:
    job = dataclasses.replace(small_job, model="Qwen/Qwen3-0.6B", model_revision="c1899de")
    checkpoint = open_checkpoint(job, cache_root())
    assert "random weights" in checkpoint.source
    assert "not Qwen/Qwen3-0.6B: the hub does not answer" in checkpoint.source


def test_a_model_of_another_shape_is_refused_with_the_setting_that_mends_it(tiny_job: Job, model_folder: Path) -> None:
    shape = dataclasses.replace(tiny_job.shape, num_hidden_layers=7)
    job = dataclasses.replace(tiny_job, model=str(model_folder), shape=shape)
    with pytest.raises(ModelError, match=r"num_hidden_layers = 2, the job says 7; add --set shape.num_hidden_layers=2"):
        open_checkpoint(job, cache_root())


@pytest.mark.parametrize(
    ("breakage", "words"),
    [
        ("no weights", "has neither model.safetensors nor model.safetensors.index.json"),
        ("no config", "has no config.json"),
        ("broken config", "is not JSON"),
        ("another model", "model_type = 'llama'"),
        ("no tokenizer", "there is no tokenizer.json"),
    ],
)
def test_a_model_folder_that_lacks_something_is_refused(
    tiny_job: Job, model_folder: Path, breakage: str, words: str
) -> None:
    config = model_folder / "config.json"
    if breakage == "no weights":
        (model_folder / "model.safetensors").rename(model_folder / "pytorch_model.bin")
    elif breakage == "no config":
        config.unlink()
    elif breakage == "broken config":
        config.write_text("{", encoding="utf-8")
    elif breakage == "another model":
        config.write_text(json.dumps({"model_type": "llama"}), encoding="utf-8")
    else:
        (model_folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=words):
        open_checkpoint(dataclasses.replace(tiny_job, model=str(model_folder)), cache_root())


def test_only_the_pinned_model_has_a_stand_in(small_job: Job) -> None:
    with pytest.raises(ModelError, match="is no folder here, and the hub does not answer"):
        open_checkpoint(dataclasses.replace(small_job, model="models/mistyped"), cache_root())


def test_a_model_that_is_nowhere_is_refused(tiny_job: Job) -> None:
    with pytest.raises(ModelError, match=r"no such folder"):
        open_checkpoint(dataclasses.replace(tiny_job, model="./nowhere"), cache_root())
