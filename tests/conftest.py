"""What many tests need: a small job, the real environments, and one recorded comparison of all five frameworks."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from harness.environment.build import build_environments
from harness.environment.environment import Environment
from harness.files.locations import SOURCE_ROOT, cache_root
from harness.job.frameworks import FRAMEWORKS
from harness.job.job import Job
from harness.job.recipe import Choices, resolve
from harness.studies.rubric.accepted_changes import NO_INPUTS
from tests.machine.stand_in_gpu import StandInGpu, compile_stand_in

# Nothing here may reach beyond the package registries.
os.environ["HF_HUB_OFFLINE"] = "1"

SMALL = ("sequence_length=32", "max_steps=4", "warmup_steps=1")
"""Settings that make a cell of the cpu profile take a few seconds."""
FEW_TOKENS = (
    "sequence_length=16",
    "micro_batch_size=1",
    "gradient_accumulation_steps=1",
    "max_steps=2",
    "warmup_steps=1",
    "shape.num_hidden_layers=1",
    "shape.hidden_size=128",
    "shape.intermediate_size=256",
    "shape.num_key_value_heads=4",
    "shape.head_dim=32",
)
"""For bf16, which is slow on most CPUs."""
HARNESS_SECONDS = 1500
"""In which a command must end."""
REAL_TEXT = SOURCE_ROOT.parent / "shared" / "data" / "fineweb-edu-sample.txt"
"""A sample of FineWeb-Edu that is not part of the project; tests that need it skip where it is missing."""

needs_a_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="no C++ compiler: llama.cpp cannot be compiled here"
)

EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "1000"))
hostile = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""Of tests that no input makes a traceback; HOSTILE_EXAMPLES=20000 looks longer."""

REFERENCES = [
    pytest.param(path.name, marks=[] if path.name == "reference-cpu" else [pytest.mark.slow])
    for path in sorted((SOURCE_ROOT / "results").glob("reference-*"))
]
"""The committed runs, one of them not slow; a checkout holds its user's own beside them."""

INPUTS = NO_INPUTS
"""Inputs that nothing reads, for what only translates or records them."""


@pytest.fixture(scope="session")
def small_job() -> Job:
    return resolve(Choices(profile="cpu", settings=SMALL), gpu_present=False).jobs["lora"]


@pytest.fixture(scope="session")
def tiny_job(small_job: Job) -> Job:
    """A job whose model is written in milliseconds; its vocabulary is too small for the real tokenizer."""
    shape = dataclasses.replace(small_job.shape, vocab_size=512, num_hidden_layers=2)
    return dataclasses.replace(small_job, shape=shape)


@pytest.fixture(scope="session")
def environments() -> dict[str, Environment]:
    """The real environment of every framework, built if it is not there."""
    built = build_environments(FRAMEWORKS, torch_backend="auto", cache=cache_root(), progress=lambda _: None)
    broken = {name: str(environment) for name, environment in built.items() if not isinstance(environment, Environment)}
    assert not broken
    return {name: environment for name, environment in built.items() if isinstance(environment, Environment)}


@pytest.fixture(scope="session")
def comparison(tmp_path_factory: pytest.TempPathFactory, environments: dict[str, Environment]) -> Path:
    """The results folder of a run in which all five frameworks train lora and qlora, through the command line."""
    return small_run(tmp_path_factory.mktemp("comparison"), "lora,qlora")


def small_run(place: Path, methods: str) -> Path:
    """The results folder of a run of all five frameworks, through the command line."""
    options = [
        "--output",
        "results/all",
        "--profile",
        "cpu",
        "--methods",
        methods,
        "--repeats",
        "1",
        "--timeout",
        "300",
    ]
    done = harness("run", *options, *(word for setting in SMALL for word in ("--set", setting)), folder=place)
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "results" / "all"


def harness(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would, from `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=HARNESS_SECONDS,
        check=False,
    )


def steps_of_cell(run: Path, cell: str) -> list[dict[str, float]]:
    """The recorded steps of a cell."""
    lines = (run / "cells" / cell / "steps.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_stand_in(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def stand_in_gpu(nvml_library: Path, tmp_path: Path) -> StandInGpu:
    return StandInGpu(library=nvml_library, state=tmp_path / "nvml.txt")


@pytest.fixture
def empty_cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"
