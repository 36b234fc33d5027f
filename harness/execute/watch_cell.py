"""Run one cell in a worker's process and watch it: its events, its memory, its silence, its end."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.execute.events import Event, Outcome, PeakMemory, ProcessEnds, first_of, read_event
from harness.execute.tree_watch import SAMPLE_SECONDS, TreeWatch
from harness.execute.worker_process import WorkerFailure, WorkerProcess
from harness.machine.background_load import Load
from harness.machine.gpu_watch import GpuSeen
from harness.machine.host import out_of_memory_kills

TERMINATE_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """When a cell is killed."""

    timeout_seconds: float
    silence_seconds: float
    memory_bytes: int | None = None
    """Limit of a GPU's allocator; on a CPU, of the process tree's resident set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a cell's process ended, and all its events. Times are CLOCK_MONOTONIC seconds."""

    outcome: Outcome
    reason: str
    events: tuple[Event, ...]
    requested_at: float
    ended_at: float
    tree_peak_rss_bytes: int
    gpu: GpuSeen
    """Empty on a CPU."""
    load: Load


def run_cell(
    worker: WorkerProcess,
    request: Path,
    log_path: Path,
    limits: Limits,
    on_event: Callable[[Event], None],
    *,
    on_gpu: bool,
    waiting_pids: frozenset[int] = frozenset(),
) -> Ended:
    """Start the cell and sleep until it sends an event or ends. Any exception kills its process group.

    `waiting_pids`: this harness's other workers. They are no other users of the GPU.
    """
    requested_at = time.monotonic()
    reading, writing = os.pipe()
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        pid = worker.request_cell(request, writing, log)
    except WorkerFailure as failure:
        os.close(reading)
        return _never_began(str(failure), requested_at)
    finally:
        os.close(writing)
        os.close(log)
    try:
        return _watch(worker, pid, reading, requested_at, limits, TreeWatch(pid, on_event, waiting_pids), on_gpu=on_gpu)
    finally:
        os.close(reading)


def _watch(
    worker: WorkerProcess,
    pid: int,
    reading: int,
    requested_at: float,
    limits: Limits,
    tree: TreeWatch,
    *,
    on_gpu: bool,
) -> Ended:
    """Listen until the cell's process ends or is killed. No process of it is left."""
    kills_before = out_of_memory_kills()
    events: list[Event] = []

    def hear(event: Event) -> None:
        events.append(event)
        # What a framework does after its last step, like saving the model, does not belong to the job.
        tree.training_ended = tree.training_ended or isinstance(event, PeakMemory)
        tree.on_event(event)

    if on_gpu:
        tree.gpu.start()
    try:
        given_up = _listen(reading, limits, requested_at, tree, hear, on_gpu=on_gpu)
        if given_up:
            kill_group(pid)
        status = worker.wait_for_end(TERMINATE_SECONDS * 2)
        if status is None:
            kill_group(pid)
            status = worker.wait_for_end(TERMINATE_SECONDS * 2)
    finally:
        # Kill what the framework started and left behind.
        kill_group(pid)
        if on_gpu:
            tree.gpu.stop()
    last = first_of(ProcessEnds, events)
    if last is not None:
        return _ended(last.outcome, last.reason, events, requested_at, tree)
    if given_up:
        return _ended(*given_up, events, requested_at, tree)
    outcome, reason = _how_it_died(status, out_of_memory_kills() > kills_before)
    if status is None and outcome == "killed":
        reason = worker.how_it_ended() or reason
    return _ended(outcome, reason, events, requested_at, tree)


def kill_group(pid: int) -> None:
    """Ask a cell's process group to end, then kill it."""
    for number, patience in ((signal.SIGTERM, TERMINATE_SECONDS), (signal.SIGKILL, 0.0)):
        try:
            os.killpg(pid, number)
        except (ProcessLookupError, PermissionError):
            return
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, 0)
                time.sleep(0.05)
                continue
            return


def _listen(
    reading: int,
    limits: Limits,
    requested_at: float,
    tree: TreeWatch,
    hear: Callable[[Event], None],
    *,
    on_gpu: bool,
) -> tuple[Outcome, str] | None:
    """Read events until the pipe closes. Return how and why the cell must be killed, or None."""
    unread = b""
    heard_at = requested_at
    with selectors.DefaultSelector() as selector:
        selector.register(reading, selectors.EVENT_READ)
        while True:
            now = time.monotonic()
            if now > requested_at + limits.timeout_seconds:
                return "timeout", f"took longer than {limits.timeout_seconds:g} s (--timeout)"
            if now > heard_at + limits.silence_seconds:
                return "timeout", f"reported nothing for {limits.silence_seconds:g} s (--silence)"
            tree.sample()
            if not on_gpu and (excess := tree.excess(limits.memory_bytes)):
                return "oom", excess
            if not selector.select(SAMPLE_SECONDS):
                continue
            received = os.read(reading, 65536)
            if not received:
                return None
            heard_at = time.monotonic()
            *lines, unread = (unread + received).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError):
                    event = read_event(line)
                    hear(event)
                    if isinstance(event, ProcessEnds):
                        # A child that the framework left behind may hold the pipe open.
                        return None


def _never_began(reason: str, requested_at: float) -> Ended:
    """Return the end of a cell whose worker could not start it: there was no process to watch."""
    return Ended(
        outcome="crashed",
        reason=reason,
        events=(),
        requested_at=requested_at,
        ended_at=time.monotonic(),
        tree_peak_rss_bytes=0,
        gpu=GpuSeen(),
        load=Load(other_cpu_cores=None, swapped_bytes=0),
    )


def _how_it_died(status: int | None, kernel_killed: bool) -> tuple[Outcome, str]:
    if status in (None, -signal.SIGKILL) and kernel_killed:
        return "oom", "the kernel killed it: the machine's memory ran out"
    if status is None:
        return "killed", "its process did not end"
    if status in (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT):
        return "killed", f"killed from outside ({signal.Signals(-status).name})"
    if status < 0:
        return "crashed", f"ended by {signal.Signals(-status).name}"
    return "crashed", f"its process ended with status {status} and reported nothing"


def _ended(outcome: Outcome, reason: str, events: list[Event], requested_at: float, tree: TreeWatch) -> Ended:
    recorded = (getattr(event, "cpu_seconds", None) for event in reversed(events))
    own_cpu_seconds = next((seconds for seconds in recorded if seconds is not None), None)
    return Ended(
        outcome=outcome,
        reason=reason,
        events=tuple(events),
        requested_at=requested_at,
        ended_at=time.monotonic(),
        tree_peak_rss_bytes=tree.tree_peak_bytes,
        gpu=tree.gpu.seen,
        load=tree.load.load(own_cpu_seconds),
    )
