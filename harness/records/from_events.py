"""How a cell ended -> its steps and its record."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.execute.events import (
    DeviceTimes,
    Outcome,
    OwnTime,
    PeakMemory,
    PhaseMemory,
    Started,
    TrainingBegins,
    facts_of,
    first_of,
)
from harness.execute.gpu_memory_gate import NOTHING_LEFT, Left
from harness.execute.watch_cell import Ended
from harness.execute.worker_process import Start, WorkerFacts
from harness.job.experiment import Enough
from harness.job.frameworks import load_adapter
from harness.job.inputs import Inputs
from harness.job.job import Job
from harness.job.native import NativeConfig
from harness.job.plan import Cell
from harness.job.tuned import untuned
from harness.machine.gpu_watch import gpu_figures, peak_used_bytes
from harness.measure.steps import Step, median_steady_seconds, steps_of, why_invalid
from harness.records.cell_record import CellRecord

MEMORY_KINDS = {
    "peak_allocated_bytes": "CUDA memory allocated by torch",
    "peak_rss_bytes": "resident set of the process tree",
}
"""The figure that stands for a cell's memory: the allocator's on a GPU, the resident set on a CPU."""

LATE_SECONDS, LATE_SHARE = 0.01, 0.01
"""How much later than the device's the host's time of the last step's end may be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The run, device and machine of a cell."""

    run: str
    """Name of the run."""
    device_name: str
    """Name of the GPU, or "cpu"."""
    node: str | None = None
    """The machine, as this_node() names it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A cell's process, from its request to its end."""

    config: NativeConfig
    facts: WorkerFacts
    start: Start
    ended: Ended
    left: Left = NOTHING_LEFT
    """The GPU after the cell."""

    @property
    def read_back(self) -> dict[str, Any]:
        """Facts that the process read back from its live objects."""
        return facts_of(self.ended.events)


def unstarted_record(cell: Cell, inputs: Inputs, place: Place, outcome: Outcome, reason: str) -> CellRecord:
    """Return the record of a cell that never became a process."""
    return CellRecord(**_identity(cell, inputs, place), outcome=outcome, reason=reason)


def cell_record(
    cell: Cell, inputs: Inputs, place: Place, process: Process, enough: Enough | None = None
) -> tuple[tuple[Step, ...], CellRecord]:
    """Return a cell's steps and its record, with figures only if its outcome is ok.

    `enough`: when the cell may have ended before its job.
    """
    ended = process.ended
    device_times = first_of(DeviceTimes, ended.events)
    steps = steps_of(ended.events, cell.job)
    outcome, reason = ended.outcome, ended.reason
    if outcome == "ok":
        problem = why_invalid(steps, process.read_back, cell.job, enough) or why_clocks_disagree(device_times)
        outcome, reason = ("invalid", problem) if problem else (outcome, reason)
    values = {
        **_identity(cell, inputs, place),
        "device": place.device_name,
        **_conditions(cell, process),
        **_memory(ended, process.left.others_bytes),
        **_losses(steps, enough),
        **(timing := _timing(steps, process)),
    }
    median = median_steady_seconds(steps)
    began = first_of(TrainingBegins, ended.events)
    if outcome == "ok" and median is not None and began is not None:
        values |= _rates(cell.job, steps, median, timing) | _steady_gpu_figures(cell, steps, ended, began=began.time)
    return steps, CellRecord(**values, outcome=outcome, reason=reason)


def _conditions(cell: Cell, process: Process) -> dict[str, Any]:
    """Return the conditions under which the cell ran."""
    facts, load, left, declared = process.facts, process.ended.load, process.left, process.read_back
    return {
        "framework_version": facts.versions.get(load_adapter(cell.framework).package),
        "torch_version": facts.versions.get("torch"),
        "deviations": "; ".join(deviation.text for deviation in process.config.deviations),
        "start": process.start,
        "omp_num_threads": facts.omp_num_threads,
        "trainable_parameters": declared.get("trainable_parameters"),
        "attention": declared.get("attention"),
        "optimizer": declared.get("optimizer"),
        "other_cpu_cores": load.other_cpu_cores,
        "swapped_bytes": load.swapped_bytes,
        "throttled_share": load.throttled_share,
        "gpu_bytes_not_returned": left.not_returned_bytes if process.ended.gpu.readings else None,
        "gpu_not_returned_since": left.since,
    }


def _timing(steps: tuple[Step, ...], process: Process) -> dict[str, Any]:
    """Return how long each part of the cell took, in seconds, and its number of steps."""
    ended, events = process.ended, process.ended.events
    started, began = first_of(Started, events), first_of(TrainingBegins, events)
    own_time, device_times = first_of(OwnTime, events), first_of(DeviceTimes, events)
    timing: dict[str, Any] = {
        "steps": len(steps),
        "warmup_steps": sum(step.warmup for step in steps),
        "start_seconds": process.facts.start_seconds,
        "wall_seconds": ended.ended_at - ended.requested_at,
    }
    if started is not None and began is not None:
        timing["load_seconds"] = began.time - started.time
    if steps:
        timing["first_step_seconds"] = steps[0].seconds
        timing["training_seconds"] = steps[-1].end_seconds
        timing["harness_seconds"] = None if own_time is None else own_time.seconds
    if device_times is not None:
        timing["clock_difference_seconds"] = device_times.host_seconds - device_times.seconds[-1]
    return timing


def _losses(steps: tuple[Step, ...], enough: Enough | None) -> dict[str, Any]:
    """Return the first loss, and that of the last step that every cell has: a fast cell may have trained more."""
    if not steps:
        return {}
    shared = steps if enough is None else steps[: enough.least_steps]
    return {"first_loss": steps[0].loss, "final_loss": shared[-1].loss}


def _rates(job: Job, steps: tuple[Step, ...], median: float, timing: Mapping[str, Any]) -> dict[str, Any]:
    """Return step time and tokens per second.

    End to end is from the start of an interpreter to the end of the last step: what a user waits for who runs the job
    once.
    """
    seconds = timing["start_seconds"] + timing.get("load_seconds", 0.0) + timing["training_seconds"]
    return {
        "median_step_seconds": median,
        "median_step_cpu_seconds": statistics.median(step.cpu_seconds for step in steps if not step.warmup),
        "tokens_per_second": job.tokens_per_step / median,
        "end_to_end_tokens_per_second": job.tokens_per_step * len(steps) / seconds,
    }


def why_clocks_disagree(times: DeviceTimes | None) -> str:
    """Return why a GPU cell's times are wrong, by the device's events and the host's clock; empty if they agree.

    The host asks after the device has ended its last step, so it is a moment later. More than that, or earlier, is an
    error.
    """
    if times is None:
        return ""
    device, host = times.seconds[-1], times.host_seconds
    if abs(host - device) <= max(LATE_SECONDS, LATE_SHARE * host):
        return ""
    return f"the device says that its steps took {device:.3f} s, the host's clock {host:.3f} s"


def _steady_gpu_figures(cell: Cell, steps: tuple[Step, ...], ended: Ended, *, began: float) -> dict[str, Any]:
    """Return power, energy, clocks and temperature between the end of the warm-up and the end of the last step."""
    before = [step.end_seconds for step in steps if step.warmup]
    tokens = cell.job.tokens_per_step * sum(not step.warmup for step in steps)
    return gpu_figures(ended.gpu, began + max(before, default=0.0), began + steps[-1].end_seconds, tokens)


def peak_memory_of(ended: Ended, others_bytes: int) -> int | None:
    """Return the figure that stands for a cell's memory; None without one."""
    peak: int | None = _memory(ended, others_bytes).get("peak_memory_bytes")
    return peak


def _memory(ended: Ended, others_bytes: int) -> dict[str, Any]:
    """Return every peak by name, over the whole cell and by phase, and the one that stands for the cell."""
    whole = first_of(PeakMemory, ended.events) or PeakMemory()
    peaks: dict[str, Any] = {
        "peak_rss_bytes": max(whole.peak_rss_bytes or 0, ended.tree_peak_rss_bytes) or None,
        "peak_allocated_bytes": whole.peak_allocated_bytes,
        "peak_reserved_bytes": whole.peak_reserved_bytes,
        "gpu_process_peak_bytes": ended.gpu.process_peak_bytes,
        "gpu_used_peak_bytes": peak_used_bytes(ended.gpu.readings, others_bytes),
        "allocation_retries": whole.allocation_retries,
        "other_gpu_processes": ended.gpu.other_processes if ended.gpu.readings else None,
    }
    kind = next((name for name in MEMORY_KINDS if peaks[name]), None)  # Phases have peaks of this kind alone.
    for phase in (event for event in ended.events if isinstance(event, PhaseMemory)):
        if kind is not None:
            peaks[f"{phase.phase}_peak_bytes"] = getattr(phase, kind)
        if phase.outside_allocator_bytes is not None:
            peaks["cuda_context_bytes"] = max(0, phase.outside_allocator_bytes - others_bytes)
    if kind is not None:
        return {**peaks, "peak_memory_bytes": peaks[kind], "peak_memory_kind": MEMORY_KINDS[kind]}
    return peaks


def _identity(cell: Cell, inputs: Inputs, place: Place) -> dict[str, Any]:
    """Return which cell it is, and what it trained on what."""
    return {
        "run": place.run,
        "node": place.node,
        "cell": cell.name,
        "framework": cell.framework,
        "method": cell.method,
        "precision": cell.job.precision,
        "track": cell.track,
        "repeat": cell.repeat,
        "twin": cell.twin,
        "tokens_per_step": cell.job.tokens_per_step,
        "model_source": inputs.model_source,
        "dataset_source": inputs.dataset_source,
        "model_sha256": inputs.model_sha256,
        "blocks_sha256": inputs.blocks_sha256,
        "job_sha256": cell.job.sha256,
        "compared_sha256": cell.job.sha256 if cell.track == "parity" else untuned(cell.job).sha256,
    }
