"""Build a framework's environment from its lock, or find it built."""

from __future__ import annotations

import functools
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.environment.environment import Environment, Progress
from harness.environment.environment_name import environment_name
from harness.environment.gpu_pins import is_for_gpu
from harness.environment.imports import import_once
from harness.environment.locks import Lock, lock_of
from harness.environment.overlays import chosen_overlays
from harness.environment.python import find_python
from harness.environment.torch_backend import choose_torch_backend
from harness.environment.uv import settings_left_out, uv_command, uv_environment, uv_pip
from harness.errors import EnvironmentBuildError
from harness.files.file_lock import locked
from harness.files.locations import ADAPTERS
from harness.job.frameworks import LOCKED

AT_ONCE = 3
"""Builds side by side. uv shares its downloads between them; more of them would only wait for the disk."""


def build_environments(
    frameworks: Sequence[str],
    *,
    torch_backend: str,
    cache: Path,
    progress: Callable[[Progress], None],
    adapters: Path = ADAPTERS,
) -> dict[str, Environment | EnvironmentBuildError]:
    """Return an environment, or the reason why there is none, per framework. One failure stops no other build.

    If `setup --offline` chose overlays, these are the environments, and nothing is built.
    """
    if (overlays := chosen_overlays(cache)) is not None:
        return {framework: overlays.get(framework) or _no_overlay(framework) for framework in frameworks}
    python = find_python()
    backend = choose_torch_backend(torch_backend)

    def build(framework: str) -> Environment | EnvironmentBuildError:
        try:
            return _build(lock_of(framework, adapters), python, backend, cache, progress)
        except EnvironmentBuildError as error:
            progress(Progress(framework=framework, stage="failed", reason=str(error)))
            return error

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return dict(zip(frameworks, pool.map(build, frameworks), strict=True))


def find_environment(framework: str, *, torch_backend: str, cache: Path) -> Environment | None:
    """Return the environment if it is already built. Builds nothing."""
    if (overlays := chosen_overlays(cache)) is not None:
        return overlays.get(framework)
    backend = choose_torch_backend(torch_backend)
    path = _folder(lock_of(framework, ADAPTERS), find_python(), backend, cache)
    return _environment(framework, path, backend) if (path / "ready.json").is_file() else None


def _no_overlay(framework: str) -> EnvironmentBuildError:
    return EnvironmentBuildError(
        f"{framework}: is not among the overlays that `harness setup --offline` installed; install it from a bundle "
        "that holds it, or run `harness setup` to build environments from locks"
    )


def _build(
    lock: Lock, python: str, torch_backend: str, cache: Path, progress: Callable[[Progress], None]
) -> Environment:
    path = _folder(lock, python, torch_backend, cache)
    ready = path / "ready.json"
    if ready.is_file():
        progress(Progress(framework=lock.framework, stage="found"))
        return _environment(lock.framework, path, torch_backend)
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(Path(f"{path}.lock")):
        if ready.is_file():
            progress(Progress(framework=lock.framework, stage="found"))
            return _environment(lock.framework, path, torch_backend)
        left = ", ".join(settings_left_out())
        note = f"without pip's {left}: the locks say what is installed" if left else ""
        progress(Progress(framework=lock.framework, stage="building", reason=note))
        started = time.monotonic()
        # A virtual environment cannot be moved. It is built in place and counts only once ready.json is there.
        shutil.rmtree(path, ignore_errors=True)
        try:
            install(lock, python, torch_backend, path)
            if lock.framework in LOCKED:
                # The worker finds out whether it works.
                import_once(_environment(lock.framework, path, torch_backend))
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise
        seconds = time.monotonic() - started
        ready.write_text(json.dumps({"framework": lock.framework, "seconds": round(seconds, 1)}), encoding="utf-8")
    progress(Progress(framework=lock.framework, stage="built", seconds=seconds))
    return _environment(lock.framework, path, torch_backend)


def install(lock: Lock, python: str, torch_backend: str, path: Path, options: Sequence[str] = ()) -> None:
    """Make a virtual environment with a lock's packages. Raises EnvironmentBuildError.

    `options`: further options of `uv pip install`.
    """
    _uv(lock.framework, [*uv_command(), "venv", "--quiet", "--python", python, str(path)])
    files = lock.requirement_files(for_gpu=is_for_gpu(torch_backend))
    packages = [word for file in files for word in ("--requirement", str(file))]
    packages += ["--override", str(lock.overrides)]
    packages += [word for one in lock.build_settings() for word in ("--config-settings-package", one)]
    target = ["--python", str(_python_in(path))]
    backend = [] if torch_backend == "default" else ["--torch-backend", torch_backend]
    _uv(lock.framework, [*uv_pip("install"), "--quiet", *target, *packages, *backend, *options])


def _uv(framework: str, command: list[str]) -> None:
    done = subprocess.run(command, env=uv_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentBuildError(f"{framework}: its environment could not be built: {_reason(done.stderr)}")


def _reason(stderr: str) -> str:
    """Return what uv said, without its drawing, on one line."""
    words = " ".join(stderr.replace("│", " ").replace("╰─▶", " ").replace("├─▶", " ").replace("×", " ").split())
    return words[-600:] or "uv gave no reason"


def _folder(lock: Lock, python: str, torch_backend: str, cache: Path) -> Path:
    name = environment_name(lock, _version_of(python), torch_backend, for_gpu=is_for_gpu(torch_backend))
    return cache / "environments" / name


@functools.cache
def _version_of(python: str) -> str:
    if python == sys.executable:
        return platform.python_version()
    code = "import platform; print(platform.python_version())"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def _environment(framework: str, path: Path, torch_backend: str) -> Environment:
    return Environment(framework=framework, path=path, python=_python_in(path), torch_backend=torch_backend)


def _python_in(path: Path) -> Path:
    return path / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
