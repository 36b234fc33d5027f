"""Our conversion to GGUF is held to llama.cpp's own converter, bit by bit."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from pathlib import Path

import pytest

from harness.environment.build import build_environments
from harness.environment.environment import Environment
from harness.files.locations import SOURCE_ROOT, cache_root
from harness.job.frameworks import LLAMA_CPP
from harness.job.job import Job
from harness.job.recipe import Choices, resolve
from harness.prepare.model import open_checkpoint
from harness.studies.deploy.engine_source import engine_source
from tests.conftest import needs_a_compiler

RUN = """
import importlib, json, sys
class Recorder:
    facts = {}
    def fact(self, name, value):
        self.facts[name] = value
recorder = Recorder()
for module, task in json.loads(sys.argv[1]):
    importlib.import_module("adapters.llama_cpp." + module).run(None, recorder, task)
print(json.dumps(recorder.facts))
"""


@pytest.fixture(scope="module")
def engine() -> Environment:
    """llama.cpp's environment, compiled if it is not there."""
    built = build_environments([LLAMA_CPP], torch_backend="auto", cache=cache_root(), progress=lambda _: None)
    environment = built[LLAMA_CPP]
    assert isinstance(environment, Environment), environment
    return environment


@pytest.mark.slow
@needs_a_compiler
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("tied", [True, False])
def test_a_conversion_equals_that_of_llama_cpp_to_the_bit(
    precision: str, tied: bool, engine: Environment, environments: dict[str, Environment], tmp_path: Path
) -> None:
    source = engine_source(engine, cache_root())
    if source is None:
        pytest.skip("uv's cache no longer has llama.cpp's source")
    settings = (f"precision={precision}", f"shape.tie_word_embeddings={tied}", "shape.num_hidden_layers=2")
    job: Job = resolve(Choices(profile="cpu", methods="full", settings=settings), gpu_present=False).jobs["full"]
    model = open_checkpoint(dataclasses.replace(job, seed=3), cache_root()).path
    theirs, ours = tmp_path / "theirs.gguf", tmp_path / "ours.gguf"
    command = [environments["unsloth"].python, source / "convert_hf_to_gguf.py", model]
    subprocess.run(
        [*command, "--outtype", "f16", "--outfile", theirs],
        env={**os.environ, "PYTHONPATH": str(source / "gguf-py")},
        check=True,
    )
    tasks = [
        ("convert_task", {"model_path": str(model), "gguf_path": str(ours), "name": "ours"}),
        ("same_tensors_task", {"gguf_path": str(ours), "other_path": str(theirs)}),
    ]
    done = subprocess.run(
        [engine.python, "-c", RUN, json.dumps(tasks)],
        env={**os.environ, "PYTHONPATH": str(SOURCE_ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    facts = json.loads(done.stdout.splitlines()[-1])
    # Embedding, the last norm, the head if it is another tensor; and eleven tensors a layer.
    assert facts["all_tensors"] == 2 + (not tied) + 2 * 11
    assert facts["same_tensors"] == facts["all_tensors"], facts
