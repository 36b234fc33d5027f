"""A node's interpreter with a folder of wheels per framework on top: environments that need no network."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from pydantic import BaseModel, ConfigDict, ValidationError

from harness.environment.bundle_manifest import HARNESS, Manifest, read_manifest
from harness.environment.environment import Environment, Progress, variables_for_a_python
from harness.environment.imports import import_once
from harness.errors import BundleError, EnvironmentBuildError
from harness.files.atomic import write_atomically
from harness.files.file_lock import locked
from harness.machine.host import training_threads

CHOSEN = "overlays.json"
"""File in the cache that says which overlays `setup --offline` chose for every later command."""
ASK_VERSIONS = """
import importlib.metadata, json, platform, re
held = importlib.metadata.distributions()
found = {re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(): one.version for one in held}
print(json.dumps({"python": platform.python_version(), "machine": platform.machine(), "packages": found}))
"""


class ChosenOverlay(BaseModel):
    """One installed overlay of a framework."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: str
    builds_on: tuple[str, ...]


class Chosen(BaseModel):
    """The content of CHOSEN."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interpreter: str
    overlays: dict[str, ChosenOverlay]


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """A node's Python and its packages."""

    path: Path
    python_version: str
    machine: str
    packages: Mapping[str, str]
    """Version, without local label, by normalised name."""


def install_overlays(
    frameworks: Sequence[str],
    bundle: Path,
    interpreter: Path,
    *,
    cache: Path,
    progress: Callable[[Progress], None],
) -> dict[str, Environment | EnvironmentBuildError]:
    """Install a bundle's overlays, check that each imports, and choose them for every later command.

    One that fails stops no other. Raises BundleError if the bundle is not whole or for another interpreter.
    """
    manifest = read_manifest(bundle)
    python = inspect_interpreter(interpreter)
    _check_fits(manifest, python, bundle)

    def build(framework: str) -> Environment | EnvironmentBuildError:
        try:
            return _install(framework, manifest, bundle, python, cache, progress)
        except EnvironmentBuildError as error:
            progress(Progress(framework=framework, stage="failed", reason=str(error)))
            return error

    with ThreadPoolExecutor(max_workers=training_threads()) as pool:
        built = dict(zip(frameworks, pool.map(build, frameworks), strict=True))
    ready = {
        name: ChosenOverlay(folder=str(environment.path), builds_on=manifest.overlays[name].builds_on)
        for name, environment in built.items()
        if isinstance(environment, Environment)
    }
    before = _chosen_on(python, cache)
    others = {name: overlay for name, overlay in before.items() if name not in frameworks}
    chosen = Chosen(interpreter=str(python.path), overlays={**others, **ready})
    write_atomically(cache / CHOSEN, chosen.model_dump_json(indent=1) + "\n")
    return built


def chosen_overlays(cache: Path) -> dict[str, Environment] | None:
    """Return the overlays that `setup --offline` chose, by framework; None if environments are built from locks."""
    chosen = _read_chosen(cache)
    if chosen is None:
        return None
    folders = {name: Path(overlay.folder) for name, overlay in chosen.overlays.items()}
    return {
        name: _environment(name, folder, Path(chosen.interpreter))
        for name, folder in folders.items()
        if (folder / "ready.json").is_file()
    }


def overlay_problems(cache: Path) -> dict[str, list[str]]:
    """Return what each chosen overlay builds on and its interpreter no longer has.

    Raises BundleError if the interpreter is gone.
    """
    chosen = _read_chosen(cache)
    if chosen is None:
        return {}
    python = inspect_interpreter(Path(chosen.interpreter))
    return {name: missing_packages(overlay.builds_on, python) for name, overlay in chosen.overlays.items()}


def _chosen_on(python: Interpreter, cache: Path) -> Mapping[str, ChosenOverlay]:
    """Return what was chosen before on the same interpreter; nothing if there is none, or it is unreadable."""
    try:
        chosen = _read_chosen(cache)
    except BundleError:
        return {}
    return chosen.overlays if chosen is not None and chosen.interpreter == str(python.path) else {}


def _read_chosen(cache: Path) -> Chosen | None:
    try:
        return Chosen.model_validate_json((cache / CHOSEN).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise BundleError(f"{cache / CHOSEN}: cannot be read; run harness setup again") from error


def forget_overlays(cache: Path) -> None:
    """Let environments be built from locks again. The overlays' folders stay."""
    (cache / CHOSEN).unlink(missing_ok=True)


def inspect_interpreter(path: Path) -> Interpreter:
    """Return an interpreter's version and packages. Raises BundleError if it does not start."""
    try:
        done = subprocess.run(
            [str(path), "-c", ASK_VERSIONS],
            env=variables_for_a_python(),
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        answer = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise BundleError(f"--interpreter {path}: does not start as a Python ({error})") from error
    packages = {name: version.partition("+")[0] for name, version in answer["packages"].items()}
    # Not resolved: a virtual environment's python is a link, and finds its packages only under that name.
    return Interpreter(
        path=path.absolute(), python_version=answer["python"], machine=answer["machine"], packages=packages
    )


def _check_fits(manifest: Manifest, python: Interpreter, bundle: Path) -> None:
    if not python.python_version.startswith(f"{manifest.python_version}.") or python.machine != manifest.machine:
        raise BundleError(
            f"{bundle}: is for Python {manifest.python_version} on {manifest.machine}; {python.path} is Python "
            f"{python.python_version} on {python.machine}"
        )


def missing_packages(builds_on: Sequence[str], python: Interpreter) -> list[str]:
    """Return, in a few words each, what an overlay builds on and the interpreter lacks or has in another version."""
    problems = []
    for pin in builds_on:
        requirement = Requirement(pin)
        found = python.packages.get(requirement.name)
        if found is None:
            problems.append(f"{requirement.name} is missing")
        elif not requirement.specifier.contains(found, prereleases=True):
            problems.append(f"{requirement.name} is {found}, not {str(requirement.specifier).removeprefix('==')}")
    return problems


def _install(
    framework: str,
    manifest: Manifest,
    bundle: Path,
    python: Interpreter,
    cache: Path,
    progress: Callable[[Progress], None],
) -> Environment:
    overlaid = manifest.overlays.get(framework)
    if overlaid is None:
        held = ", ".join(name for name in manifest.overlays if name != HARNESS)
        raise EnvironmentBuildError(f"{framework}: is not in the bundle, which holds {held}")
    if problems := missing_packages(overlaid.builds_on, python):
        raise EnvironmentBuildError(
            f"{framework}: the bundle was made for other packages than {python.path} has: {'; '.join(problems)}. "
            "Make it again with --base from that interpreter's `pip freeze`"
        )
    wheels = [bundle / "wheels" / name for name in overlaid.wheels]
    hashes = [manifest.sha256[f"wheels/{wheel.name}"] for wheel in wheels]
    key = hashlib.sha256("\0".join([str(python.path), python.python_version, *hashes]).encode()).hexdigest()[:12]
    folder = cache / "environments" / f"{framework}-overlay-{key}"
    environment = _environment(framework, folder, python.path)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(Path(f"{folder}.lock")):
        if (folder / "ready.json").is_file():
            progress(Progress(framework=framework, stage="found"))
            return environment
        progress(Progress(framework=framework, stage="building"))
        started = time.monotonic()
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir()
            if wheels:
                _pip_install(framework, wheels, folder, python)
            if reason := import_once(environment):
                raise EnvironmentBuildError(f"{framework}: its overlay does not import: {reason}")  # noqa: TRY301
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        seconds = time.monotonic() - started
        write_atomically(folder / "ready.json", json.dumps({"framework": framework, "seconds": round(seconds, 1)}))
    progress(Progress(framework=framework, stage="built", seconds=seconds))
    return environment


def _environment(framework: str, folder: Path, python: Path) -> Environment:
    return Environment(framework=framework, path=folder, python=python, torch_backend="node", overlay=folder)


def _pip_install(framework: str, wheels: Sequence[Path], folder: Path, python: Interpreter) -> None:
    """Install all wheels in one command: a second one into the same folder would replace packages that share it.

    What is imported is compiled afterwards, when it is imported once.
    """
    command = [sys.executable, "-m", "pip", "--python", str(python.path), "install", "--quiet", "--no-index"]
    command += ["--no-deps", "--no-compile", "--disable-pip-version-check", "--target", str(folder), *map(str, wheels)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = " ".join(done.stderr.split())[-600:] or "pip gave no reason"
        raise EnvironmentBuildError(f"{framework}: its wheels could not be installed: {reason}")
