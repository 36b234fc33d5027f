"""A bundle made from the registry, carried to an interpreter that may fetch nothing, and trained with there."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from harness.environment.bundle_manifest import read_manifest
from harness.environment.environment import Environment
from harness.environment.overlays import inspect_interpreter
from harness.errors import BundleError
from harness.files.locations import SOURCE_ROOT
from harness.records.checked_run import load_results
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
    names = {name: {wheel.partition("-")[0] for wheel in overlay.wheels} for name, overlay in overlays.items()}
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
    again = harness(
        *("setup", "--offline", "--bundle", str(carried), "--interpreter", str(node), "--frameworks", "torchtune"),
        folder=tmp_path,
        **cache,
    )
    assert again.stdout.split() == ["torchtune:", "ready"]
    doctor = harness("doctor", folder=tmp_path, **cache)
    assert doctor.stdout.count("overlay is ready") == 2
    done = harness(
        *("run", *frameworks, "--profile", "cpu", "--repeats", "1", "--output", "results/node"),
        *("--dataset", str(carried / "inputs" / "blocks.parquet"), *SETTINGS),
        folder=tmp_path,
        **cache,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    frame = load_results(tmp_path / "results" / "node").set_index("framework")
    assert set(frame["outcome"]) == {"ok"}
    assert set(frame["same_job"]) == {"yes"}
    assert "stand-in" in str(frame.loc["torchtune", "dataset_source"])
    run = json.loads((tmp_path / "results" / "node" / "run.json").read_text(encoding="utf-8"))
    assert run["frameworks"]["torchtune"]["overlay"] is True
    assert run["frameworks"]["torchtune"]["environment"].startswith("torchtune-overlay-")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda bundle: (bundle / "inputs" / "blocks.parquet").write_bytes(b"other"), "is not as manifest.json says"),
        (lambda bundle: next((bundle / "wheels").glob("torchtune*")).unlink(), "is missing; copy the bundle again"),
        (lambda bundle: (bundle / "manifest.json").write_text("{}"), "make the bundle again"),
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


@pytest.fixture
def node_with_pip(node: Path, tmp_path: Path) -> Path:
    """The same, with the pip that a node's Python has."""
    place = tmp_path / "node"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    (packages,) = place.glob("lib/python*/site-packages")
    (held,) = node.parent.parent.glob("lib/python*/site-packages")
    (packages / "node.pth").write_text(f"{held}\n", encoding="utf-8")
    return place / "bin" / "python"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project without anybody's results, as it is carried to a node."""
    place = tmp_path / "checkout"
    tracked = subprocess.run(
        ["git", "-C", str(SOURCE_ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, tracked.stdout.split("\0")):
        if not name.startswith(("results/", "reports/", "tests/")) and (SOURCE_ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(SOURCE_ROOT / name, place / name)
    return place


def test_a_reference_is_made_in_slots_of_which_one_is_lost(
    carried: Path, node_with_pip: Path, checkout: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    def slot(machine: str, seconds: int) -> subprocess.Popen[str]:
        variables = {
            **os.environ,
            **{"PROFILE": "cpu", "METHODS": "lora", "FRAMEWORKS": "transformers,torchtune", "REPEATS": "24"},
            **{"INTERPRETER": str(node_with_pip), "NAME": "slots", "OUT": str(out), "WORK": str(tmp_path / machine)},
            **{"EXTRA": " ".join(SETTINGS), "PLAN": "--setup 5 --inputs 1 --limits 1 --imports 0 --audit 5 --cell 1"},
        }
        return subprocess.Popen(
            ["bash", str(checkout / "scripts" / "gpu_reference.sh"), str(carried), str(seconds)],
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def recorded() -> set[str]:
        return {path.parent.name for path in (checkout / "results").glob("slots/cells/*/cell.json")}

    too_short = slot("first", 20)
    said, _ = too_short.communicate(timeout=120)
    assert too_short.returncode == 2, said
    assert "too short" in said
    assert not recorded()

    # A machine that is lost in the middle: the next one has what was packed.
    began = time.monotonic()
    lost = slot("first", 600)
    while len(recorded()) < 3 and time.monotonic() < began + 300:
        time.sleep(0.1)
    until_cells = time.monotonic() - began
    while not (out / "slots.tar.gz").is_file() or time.monotonic() < began + until_cells + 12:
        time.sleep(0.1)
    for process in [psutil.Process(lost.pid), *psutil.Process(lost.pid).children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    lost.communicate()
    again = recorded()
    shutil.rmtree(checkout / "results" / "slots")

    short = slot("second", int(until_cells) + 20)
    said, _ = short.communicate(timeout=400)
    assert short.returncode == 75, said
    assert "slot 1 of" in said
    assert "would not end within" in said
    ended = recorded()
    assert len(again) - 8 < len(again & ended), "what the lost machine had packed is there"
    rounds = Counter(name.rpartition("-")[2] for name in ended)
    assert set(rounds.values()) == {2}, "whole rounds alone"

    last = slot("third", 600)
    said, _ = last.communicate(timeout=600)
    assert last.returncode == 0, said
    assert len(recorded()) == 48
    with tarfile.open(out / "slots.tar.gz") as archive:
        names = archive.getnames()
    assert len([name for name in names if name.endswith("/cell.json")]) == 48
    assert "reports/slots.md" in names
    frame = load_results(checkout / "results" / "slots")
    assert set(frame["outcome"]) == {"ok"}
    assert set(frame["same_job"]) == {"yes"}
    assert frame["node"].nunique() == 1
