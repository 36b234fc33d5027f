"""torchtune has no Qwen3: this project's builder gives the logits that transformers gives, for the same weights."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from adapters.base import Workspace
from adapters.torchtune.adapter import recipe_config
from harness.environment.environment import Environment
from harness.files.locations import SOURCE_ROOT
from harness.job.job import Job
from harness.prepare.weights import write_initial_adapter, write_random_model
from tests.conftest import INPUTS

VARIANTS = [(method, tied) for method in ("full", "lora") for tied in (True, False)]
THEIRS = """
import sys, numpy, pathlib, peft, torch, transformers
for folder in map(pathlib.Path, sys.argv[1:]):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.float32)
    if folder.name.startswith("lora"):
        model = peft.PeftModel.from_pretrained(model, folder / "adapter")
    tokens = torch.from_numpy(numpy.load(folder / "tokens.npy"))
    with torch.no_grad():
        numpy.save(folder / "theirs.npy", model(input_ids=tokens).logits.numpy())
"""
OURS = """
import json, sys, numpy, pathlib, torch
from omegaconf import OmegaConf
from torchtune import config
for folder in map(pathlib.Path, sys.argv[1:]):
    options = OmegaConf.create(json.loads((folder / "options.json").read_text()))
    model = config.instantiate(options.model)
    weights = config.instantiate(options.checkpointer, should_load_recipe_state=False).load_checkpoint()["model"]
    model.load_state_dict(weights)
    tokens = torch.from_numpy(numpy.load(folder / "tokens.npy"))
    with torch.no_grad():
        numpy.save(folder / "ours.npy", model(tokens).numpy())
"""


@pytest.fixture(scope="module")
def logits(
    tiny_job: Job, environments: dict[str, Environment], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, bool], tuple[np.ndarray, np.ndarray]]:
    """What transformers and torchtune give for each variant: one process each."""
    place = tmp_path_factory.mktemp("logits")
    folders = {variant: place / f"{variant[0]}-{variant[1]}" for variant in VARIANTS}
    for (method, tied), folder in folders.items():
        write_variant(folder, method, tied, tiny_job)
    paths = list(map(str, folders.values()))
    subprocess.run([str(environments["transformers"].python), "-c", THEIRS, *paths], check=True, capture_output=True)
    ours = [str(environments["torchtune"].python), "-c", OURS, *paths]
    subprocess.run(ours, check=True, capture_output=True, env={"PYTHONPATH": str(SOURCE_ROOT)})
    return {
        variant: (np.load(folder / "theirs.npy"), np.load(folder / "ours.npy")) for variant, folder in folders.items()
    }


def write_variant(folder: Path, method: str, tied: bool, tiny_job: Job) -> None:
    """A model with random norms, an adapter whose B is not zero, tokens, and torchtune's config for them."""
    # heads x head_dim differs from hidden_size, as in the real model.
    shape = dataclasses.replace(tiny_job.shape, tie_word_embeddings=tied, head_dim=32)
    job = dataclasses.replace(tiny_job, shape=shape, method=method)  # type: ignore[arg-type]
    for name in ("model", "adapter"):
        (folder / name).mkdir(parents=True)
    write_random_model(shape, "fp32", 7, folder / "model")
    write_initial_adapter(job, folder / "adapter")
    adapter = folder / "adapter" / "adapter_model.safetensors"
    generator = np.random.default_rng(1)
    tensors = {
        name: generator.normal(0, 0.05, tensor.shape).astype(np.float32) if "lora_B" in name else tensor
        for name, tensor in load_file(adapter).items()
    }
    save_file(tensors, adapter, metadata={"format": "pt"})
    np.save(folder / "tokens.npy", generator.integers(0, shape.vocab_size, (2, job.sequence_length)))
    inputs = dataclasses.replace(
        INPUTS,
        model_path=str(folder / "model"),
        adapter_path=str(folder / "adapter") if method == "lora" else None,
    )
    options = recipe_config(job, inputs, Workspace(device="cpu", output_path=str(folder / "output")))
    (folder / "options.json").write_text(json.dumps(options), encoding="utf-8")


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_logits_are_those_of_transformers(
    variant: tuple[str, bool], logits: dict[tuple[str, bool], tuple[np.ndarray, np.ndarray]]
) -> None:
    theirs, ours = logits[variant]
    assert theirs.std() > 0.1
    assert np.abs(ours - theirs).max() < 1e-5


def test_the_adapter_is_in_the_logits(logits: dict[tuple[str, bool], tuple[np.ndarray, np.ndarray]]) -> None:
    assert np.abs(logits["lora", True][1] - logits["full", True][1]).max() > 1e-3
