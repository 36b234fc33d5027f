"""Environments -> a worker per framework that has imported it, and a scratch folder for their files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from harness.environment.build import Built, begin_builds
from harness.environment.environment import Environment, Progress
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


class EnvironmentsByName(Mapping[str, Built]):
    """The environment of each name that needs one. To ask for one waits until it is built."""

    def __init__(self, names: Sequence[str], built: Mapping[str, Built]) -> None:
        self._names = names
        self._built = built

    def __getitem__(self, name: str) -> Built:
        if name == CHIP:
            found = next(filter(_is_usable, self._built.values()), None)
            if found is None:
                raise KeyError(name)
            return found
        return self._built[whose_environment(name)]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._names if name != CHIP or any(map(_is_usable, self._built.values())))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def whose_environment(name: str) -> str:
    """Return the name of the lock whose environment a name runs in."""
    return name if name in LOCKED else REFERENCE_ENVIRONMENT


def _is_usable(built: Built) -> bool:
    return isinstance(built, Environment)


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
    begin_early: bool = False,
) -> Iterator[WorkerPool]:
    """Open environments, built if necessary, with a worker in each that has imported its framework.

    `names`: frameworks, LLAMA_CPP, CEILING, REFERENCE, and CHIP, which runs in any environment. `check` receives the
    names of the environments before anything is imported, and may raise. `begin_early`: return at once; a worker is
    ready when its environment is, and the caller ends this with `start_all`.
    """
    observer.stage("Setting up an environment for each framework, with its own pinned packages")
    needed = {whose_environment(name) for name in names if name != CHIP}
    with (
        begin_builds(
            [name for name in LOCKED if name in needed],
            torch_backend=torch_backend,
            cache=cache,
            progress=observer.environment,
        ) as built,
        scratch_folder() as scratch,
        WorkerPool(device, EnvironmentsByName(names, built), start, scratch) as workers,
    ):
        if not begin_early:
            found = ((name, environment) for name, environment in workers.environments.items() if name != CHIP)
            check({name: built.path.name for name, built in found if isinstance(built, Environment)})
            observer.stage("Importing the frameworks")
            workers.start_all()
        yield workers
