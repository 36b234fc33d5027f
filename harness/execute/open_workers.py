"""Environments -> a worker per framework that has imported it, and a scratch folder for what they write."""

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
from harness.job.frameworks import CHIP, FRAMEWORKS, REFERENCE_ENVIRONMENT


class SetupObserver(Protocol):
    """Who is told how the setting up goes."""

    def stage(self, text: str) -> None:
        """Something that takes a while begins."""

    def environment(self, progress: Progress) -> None:
        """A framework's environment was found, built or failed; may be called from several threads."""


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
    """Environments, built if need be, and a worker in each that has imported what is named.

    `names`: frameworks, CEILING, REFERENCE, and CHIP, which is measured in any environment there is. `check` is told
    the names of the environments before anything is imported, and may raise.
    """
    observer.stage("Setting up one environment per framework")
    whose = {name: name if name in FRAMEWORKS else REFERENCE_ENVIRONMENT for name in names if name != CHIP}
    needed = set(whose.values())
    built = build_environments(
        [name for name in FRAMEWORKS if name in needed],
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
