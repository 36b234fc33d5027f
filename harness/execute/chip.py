"""Measure the machine's ceilings once a run, in a process like a cell's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.execute.training import train_once
from harness.execute.watch import Limits
from harness.execute.worker_pool import WorkerPool
from harness.execute.worker_process import WorkerFailure
from harness.job.inputs import Inputs
from harness.job.job import Job

if TYPE_CHECKING:
    from adapters.base import Adapter

CEILINGS = ("matmul_flops_per_second", "copy_bytes_per_second", "matmul_dtype", "launch_seconds")


def measure_chip(
    framework: str, adapter: Adapter, job: Job, inputs: Inputs, workers: WorkerPool, limits: Limits
) -> dict[str, Any]:
    """CEILINGS of the device, in the job's precision; empty with a "reason" where they could not be measured."""
    try:
        trained = train_once(framework, adapter, job, inputs, workers, limits, steps=0)
    except WorkerFailure as failure:
        return {"reason": str(failure)}
    if trained.ended.outcome != "ok":
        return {"reason": trained.ended.reason}
    told = {event["name"]: event["value"] for event in trained.ended.events if event["event"] == "fact"}
    return {name: told[name] for name in CEILINGS}
