"""Environments -> a worker per framework that has imported it, and a scratch folder for their files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from harness.environment.build import build_environments
from harness.environment.environment import Environment, Progress
from harness.errors import EnvironmentBuildError
from harness.execute.scratch import scratch_folder
from harness.execute.worker_pool import WorkerPool
from harness.execute.worker_process import Device, Start
from harness.job.frameworks import CHIP, LOCKED, REFERENCE_ENVIRONMENT


class SetupObserver(Protocol):
    """Hears how the setup goes."""

    def stage(self, text: str) -> None:
        """Something that takes a while begins."""

    def environment(self, progress: Progress) -> None:
        """A framework's environment was found, built or failed. Several threads may call this."""


@contextlib.contextmanager
def open_workers(
    names: Sequence[str],
    device: Device,
    start: Start,
    *,
    torch_backend: str,
    cache: Path,
    observer: SetupObserver,
    check: Callable[[Mapping[str, str]], None] = lambda _: None,
) -> Iterator[WorkerPool]:
    """Open environments, built if necessary, with a worker in each that has imported its framework.

    `names`: frameworks, LLAMA_CPP, CEILING, REFERENCE, and CHIP, which runs in any environment. `check` receives the
    names of the environments before anything is imported, and may raise.
    """
    observer.stage("Setting up an environment for each framework, with its own pinned packages")
    whose = {name: name if name in LOCKED else REFERENCE_ENVIRONMENT for name in names if name != CHIP}
    needed = set(whose.values())
    built = build_environments(
        [name for name in LOCKED if name in needed],
        torch_backend=torch_backend,
        cache=cache,
        progress=observer.environment,
    )
    environments: dict[str, Environment | EnvironmentBuildError] = {name: built[whose[name]] for name in whose}
    usable = {name: found for name, found in environments.items() if isinstance(found, Environment)}
    check({name: found.path.name for name, found in usable.items()})
    if CHIP in names and usable:
        environments[CHIP] = next(iter(usable.values()))
    with scratch_folder() as scratch, WorkerPool(device, environments, start, scratch) as workers:
        observer.stage("Importing the frameworks")
        workers.start_all()
        yield workers
