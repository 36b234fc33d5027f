"""Measure the machine's ceilings once per run, in a process like a cell's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.execute.events import facts_of
from harness.execute.training import Trainer
from harness.execute.watch_cell import Limits
from harness.execute.worker_pool import WorkerPool
from harness.execute.worker_process import WorkerFailure
from harness.job.inputs import Inputs
from harness.job.job import Job
from harness.machine.chip import Chip

if TYPE_CHECKING:
    from adapters.base import Adapter


def measure_chip(
    framework: str, adapter: Adapter, job: Job, inputs: Inputs, workers: WorkerPool, limits: Limits
) -> Chip:
    """Return the ceilings of the device, in the job's precision."""
    try:
        trained = Trainer(workers=workers, limits=limits).train_once(framework, adapter, job, inputs, steps=0)
    except WorkerFailure as failure:
        return Chip(reason=str(failure))
    if trained.ended.outcome != "ok":
        return Chip(reason=trained.ended.reason)
    facts = facts_of(trained.ended.events)
    return Chip(
        matmul_flops_per_second=facts["matmul_flops_per_second"],
        copy_bytes_per_second=facts["copy_bytes_per_second"],
        matmul_dtype=facts["matmul_dtype"],
        launch_seconds=facts["launch_seconds"],
    )
