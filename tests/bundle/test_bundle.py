"""A bundle made from the registry, carried to an interpreter that may fetch nothing, and trained with there."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from pathlib import Path

import pytest

from harness.bundle.manifest import read_manifest
from harness.environment.environment import Environment
from harness.environment.overlays import inspect_interpreter
from harness.errors import BundleError
from harness.results import load_frame
from tests.conftest import SMALL, harness

pytestmark = pytest.mark.slow
PYTHON = ".".join(platform.python_version_tuple()[:2])
NO_NETWORK = {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
SETTINGS = [word for setting in SMALL for word in ("--set", setting)]


@pytest.fixture(scope="module")
def node(environments: dict[str, Environment]) -> Path:
    """An interpreter with torch and transformers in it and no torchtune, as a node has."""
    return environments["transformers"].python


@pytest.fixture(scope="module")
def base(node: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("node") / "PACKAGES.txt"
    held = inspect_interpreter(node).packages
    path.write_text("".join(f"{name}=={version}\n" for name, version in held.items()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def bundle(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bundle")
    done = harness(
        *("bundle", "--base", str(base), "--out", "bundle", "--python", PYTHON, "--profile", "cpu"),
        *("--frameworks", "transformers,torchtune", "--methods", "lora", "--max-size", "64MiB", *SETTINGS),
        folder=place,
    )
    assert done.returncode == 0, done.stderr
    return place / "bundle"


@pytest.fixture
def carried(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle, tmp_path / "carried"))


def test_it_holds_what_the_node_lacks_and_nothing_that_it_has(bundle: Path) -> None:
    overlays = read_manifest(bundle).overlays
    names = {name: {wheel.partition("-")[0] for wheel in one.wheels} for name, one in overlays.items()}
    assert {"torchtune", "torchao"} <= names["torchtune"]
    assert not names["torchtune"] & {"torch", "numpy", "transformers", "datasets", "triton"}
    assert names["transformers"] == set()


def test_what_is_installed_from_it_without_a_network_trains_and_is_recorded_as_such(
    carried: Path, node: Path, tmp_path: Path
) -> None:
    cache = {"HARNESS_CACHE": str(tmp_path / "cache"), **NO_NETWORK}
    frameworks = ("--frameworks", "transformers,torchtune")
    done = harness(
        *("setup", "--offline", "--bundle", str(carried), "--interpreter", str(node), *frameworks),
        folder=tmp_path,
        **cache,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    doctor = harness("doctor", folder=tmp_path, **cache)
    assert doctor.stdout.count("overlay is ready") == 2
    done = harness(
        *("run", *frameworks, "--profile", "cpu", "--repeats", "1", "--output", "results/node"),
        *("--dataset", str(carried / "inputs" / "blocks.parquet"), *SETTINGS),
        folder=tmp_path,
        **cache,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    frame = load_frame(tmp_path / "results" / "node").set_index("framework")
    assert set(frame["outcome"]) == {"ok"}
    assert set(frame["same_job"]) == {"yes"}
    assert "stand-in" in frame.loc["torchtune", "dataset_source"]
    run = json.loads((tmp_path / "results" / "node" / "run.json").read_text(encoding="utf-8"))
    assert run["frameworks"]["torchtune"]["overlay"] is True
    assert run["frameworks"]["torchtune"]["environment"].startswith("torchtune-overlay-")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda bundle: (bundle / "inputs" / "blocks.parquet").write_bytes(b"other"), "is not as manifest.json says"),
        (lambda bundle: next((bundle / "wheels").glob("torchtune*")).unlink(), "is missing; copy the bundle again"),
        (lambda bundle: (bundle / "manifest.json").write_text("{}"), "make the bundle anew"),
        (lambda bundle: (bundle / "manifest.json").unlink(), "holds no manifest.json"),
    ],
)
def test_a_bundle_that_was_damaged_on_the_way_is_refused(carried: Path, change: object, words: str) -> None:
    assert callable(change)
    change(carried)
    with pytest.raises(BundleError) as refused:
        read_manifest(carried)
    assert words in str(refused.value)


def test_an_interpreter_that_lacks_what_it_builds_on_is_told_what(carried: Path, tmp_path: Path) -> None:
    done = harness(
        *("setup", "--offline", "--bundle", str(carried), "--interpreter", sys.executable, "--frameworks", "torchtune"),
        folder=tmp_path,
        HARNESS_CACHE=str(tmp_path / "cache"),
    )
    assert done.returncode == 1
    assert "torch is missing" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_one_that_would_be_too_large_is_not_made(base: Path, tmp_path: Path) -> None:
    done = harness(
        *("bundle", "--base", str(base), "--out", "out", "--python", PYTHON, "--profile", "cpu", "--methods", "lora"),
        *("--frameworks", "torchtune", "--max-size", "1MiB", *SETTINGS),
        folder=tmp_path,
    )
    assert done.returncode == 2
    assert "the largest files are" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_bundle_for_another_python_is_refused_with_both_named(carried: Path, node: Path, tmp_path: Path) -> None:
    path = carried / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "python_version": "3.9"}))
    done = harness(
        *("setup", "--offline", "--bundle", str(carried), "--interpreter", str(node), "--frameworks", "torchtune"),
        folder=tmp_path,
        HARNESS_CACHE=str(tmp_path / "cache"),
    )
    assert done.returncode == 2
    assert "is for Python 3.9" in done.stderr
    assert f"is Python {PYTHON}" in done.stderr
