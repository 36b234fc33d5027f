"""What a study of an experiment works with: the GPU held, if there is one, and a worker per environment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from harness.execute.exclusive_gpu import hold_gpu
from harness.execute.gpu_memory_gate import GpuGate
from harness.execute.open_workers import open_workers
from harness.execute.worker_pool import WorkerPool
from harness.job.experiment import Experiment
from harness.run.observer import Observer
from harness.run.run_settings import RunSettings


@contextlib.contextmanager
def study_workers(
    experiment: Experiment, names: Iterable[str], settings: RunSettings, observer: Observer
) -> Iterator[tuple[GpuGate, WorkerPool]]:
    """Hold the GPU and open a worker for each of `names` (see open_workers). Raises GpuBusyError."""
    with (
        hold_gpu(experiment.device, allow_busy=settings.allow_busy) as gate,
        open_workers(
            sorted(set(names)),
            experiment.device,
            settings.start,
            torch_backend=settings.torch_backend,
            cache=settings.cache,
            observer=observer,
        ) as workers,
    ):
        yield gate, workers
