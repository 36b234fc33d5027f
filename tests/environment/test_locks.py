from __future__ import annotations

import os
import subprocess

import pytest

from harness.environment.locks import PINNED, TORCH_VERSION, lock_of, pinned_version, pins_only
from harness.environment.uv import uv_command, uv_environment
from harness.files.locations import ADAPTERS
from harness.job.frameworks import FRAMEWORKS, load_adapter


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_lock_holds_pins_that_serve_a_cpu_and_a_gpu(framework: str) -> None:
    lines = lock_of(framework, ADAPTERS).lock.read_text(encoding="utf-8").splitlines()
    pins = [PINNED.match(line) for line in lines]
    assert len(lines) > 40
    assert all(pin is not None and pin["local"] is None for pin in pins)
    names = {pin["name"] for pin in pins if pin is not None}
    assert not {name for name in names if name.startswith("nvidia-") and name != "nvidia-ml-py"}
    assert f"torch=={TORCH_VERSION}" in lines


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_lock_names_the_frameworks_own_version(framework: str) -> None:
    version = pinned_version(lock_of(framework, ADAPTERS), load_adapter(framework).package)
    requirements = lock_of(framework, ADAPTERS).requirements.read_text(encoding="utf-8")
    assert f"{load_adapter(framework).package}=={version}" in requirements


def test_pins_of_other_machines_and_of_cuda_are_left_out() -> None:
    resolution = (
        "torch==2.13.0+cpu\n"
        "    # via peft\n"
        "nvidia-cublas==13.1.1\n"
        "nvidia-ml-py==12.560.30\n"
        "cuda-toolkit==13.0.3\n"
        "triton==3.7.1 ; sys_platform == 'linux'\n"
        "gradio==6.0 ; sys_platform == 'never'\n"
        "numpy==2.4.6 ; python_full_version < '3.12'\n"
    )
    expected = "numpy==2.4.6 ; python_full_version < '3.12'\nnvidia-ml-py==12.560.30\ntorch==2.13.0\n"
    assert pins_only(resolution, keep=frozenset()) == expected
    assert "triton==3.7.1" in pins_only(resolution, keep=frozenset({"triton"}))


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_same_lock_resolves_to_a_cuda_build_where_the_index_gives_one(framework: str) -> None:
    """Without the machine's local builds, torch's own metadata brings its CUDA packages; nothing is installed."""
    lock = lock_of(framework, ADAPTERS)
    variables = {name: value for name, value in uv_environment(os.environ).items() if name != "UV_FIND_LINKS"}
    command = [*uv_command(), "pip", "compile", "--python-platform", "x86_64-manylinux_2_28", "--no-header"]
    command += ["--python-version", "3.11", "--override", str(lock.overrides)]
    command += [str(path) for path in lock.requirement_files(for_gpu=True)]
    resolved = subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout
    assert f"torch=={TORCH_VERSION}\n" in resolved
    assert "nvidia-cublas==" in resolved
    assert "triton==3.7.1" in resolved
