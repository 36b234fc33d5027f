"""What a cell's process tells, through a real pipe; a scripted device stands where torch.cuda would."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import types
from itertools import pairwise

import pytest

from harness.execute.events import (
    DeviceTimes,
    Event,
    PeakMemory,
    PhaseMemory,
    StepEnds,
    TrainingBegins,
    read_event,
)
from harness.job.job import Job
from harness.measure.steps import steps_of
from harness.records.from_events import why_clocks_disagree
from harness.worker import phase_peaks
from harness.worker.cuda_clock import CudaClock
from harness.worker.recorder import EventRecorder, MeasuredEnough

MIB = 2**20


class ScriptedDevice:
    """torch.cuda as the recorder uses it: each step's work ends when the script says, however early it was queued."""

    def __init__(self, ends: list[float], peaks: list[int]) -> None:
        self.ends = iter([0.0, *ends])
        self.peaks = iter(peaks)
        self.synchronized = 0
        self.resets = 0
        device = self

        class Event:
            def __init__(self, *, enable_timing: bool) -> None:
                assert enable_timing

            def record(self) -> None:
                self.at = next(device.ends)

            def elapsed_time(self, later: Event) -> float:
                return (later.at - self.at) * 1000

        self.Event = Event

    def is_available(self) -> bool:
        return True

    is_initialized = is_available

    def synchronize(self) -> None:
        self.synchronized += 1

    def max_memory_allocated(self) -> int:
        return next(self.peaks)

    def max_memory_reserved(self) -> int:
        return 900 * MIB

    def memory_reserved(self) -> int:
        return 800 * MIB

    def mem_get_info(self) -> tuple[int, int]:
        return 7000 * MIB, 8192 * MIB

    def reset_peak_memory_stats(self) -> None:
        self.resets += 1

    def memory_stats(self) -> dict[str, int]:
        return {"num_alloc_retries": 2}


def recorded(steps: int) -> list[Event]:
    """The events of a process that trains so many steps."""
    reading, writing = os.pipe()
    recorder = EventRecorder(writing, steps)
    recorder.training_begins(None)
    for step in range(1, steps + 1):
        recorder.step_ends()
        recorder.step_logged(step, loss=1 / step)
    os.close(writing)
    with os.fdopen(reading) as lines:
        return [read_event(line.encode()) for line in lines]


def test_on_cuda_a_step_ends_when_the_device_says_and_nothing_waits_in_between(
    monkeypatch: pytest.MonkeyPatch, tiny_job: Job
) -> None:
    ends = [0.5, 0.7, 0.9, 1.1]
    device = ScriptedDevice(ends, peaks=[100 * MIB, 300 * MIB, 200 * MIB])
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=device))
    events = recorded(4)
    assert device.synchronized == 2, "once before the first step and once after the last"
    steps = steps_of(events, tiny_job)
    assert [step.end_seconds for step in steps] == pytest.approx(ends)
    assert [step.seconds for step in steps] == pytest.approx([0.5, 0.2, 0.2, 0.2])


def test_on_cuda_each_phase_has_its_own_peak_and_the_cell_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ScriptedDevice([1.0, 2.0, 3.0], peaks=[100 * MIB, 300 * MIB, 200 * MIB])
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=device))
    events = recorded(3)
    phases = {event.phase: event for event in events if isinstance(event, PhaseMemory)}
    allocated = {phase: event.peak_allocated_bytes for phase, event in phases.items()}
    assert allocated == {"load": 100 * MIB, "first_step": 300 * MIB, "steady": 200 * MIB}
    assert phases["steady"].outside_allocator_bytes == (8192 - 7000 - 800) * MIB
    (whole,) = [event for event in events if isinstance(event, PeakMemory)]
    assert whole.peak_allocated_bytes == 300 * MIB
    assert whole.allocation_retries == 2


def test_the_hosts_clock_is_asked_once_the_device_is_done() -> None:
    clock = CudaClock(ScriptedDevice([0.001], peaks=[]))
    clock.mark()
    times = clock.times()
    assert times["seconds"] == pytest.approx([0.001])
    assert 0 <= times["host_seconds"] < 1


@pytest.mark.parametrize(
    ("device_seconds", "host_seconds", "believed"),
    [(2.0, 2.0001, True), (2.0, 2.01, True), (200.0, 201.0, True), (2.0, 2.2, False), (2.2, 2.0, False)],
)
def test_times_on_which_the_device_and_the_host_disagree_are_not_believed(
    device_seconds: float, host_seconds: float, believed: bool
) -> None:
    times = DeviceTimes(seconds=(1.0, device_seconds), host_seconds=host_seconds)
    assert (why_clocks_disagree(times) == "") is believed
    assert why_clocks_disagree(None) == ""


def test_without_cuda_the_host_tells_the_time_as_it_goes() -> None:
    events = recorded(3)
    assert [event.event for event in events if isinstance(event, StepEnds | DeviceTimes)] == ["step_ends"] * 3
    times = [event.time for event in events if isinstance(event, TrainingBegins | StepEnds)]
    assert all(later >= earlier for earlier, later in pairwise(times))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's peak is reset as Linux does")
def test_memory_that_was_given_back_before_a_phase_is_not_charged_to_it() -> None:
    memory = phase_peaks.PhasePeaks(None)
    block = bytearray(os.urandom(1)) * (256 * MIB)
    held = memory.end_of_phase()["peak_rss_bytes"]
    del block
    memory.end_of_phase()
    later = memory.end_of_phase()["peak_rss_bytes"]
    assert later < held - 200 * MIB
    assert memory.peaks["peak_rss_bytes"] >= held


ENOUGH = {"least_steps": 4, "least_steady_seconds": 0.2, "warmup_steps": 1}


def trained(step_seconds: float, *, logs_late: bool) -> list[Event]:
    """The events of a process of at most 20 steps that may end once it has been measured long enough."""
    reading, writing = os.pipe()
    recorder = EventRecorder(writing, 20, ENOUGH)
    recorder.training_begins(None)
    with contextlib.suppress(MeasuredEnough):
        for step in range(1, 21):
            time.sleep(step_seconds)
            recorder.step_ends()
            if logs_late and step > 1:
                recorder.step_logged(step - 1, loss=1 / step)
            if not logs_late:
                recorder.step_logged(step, loss=1 / step)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        return [read_event(line.encode()) for line in pipe]


@pytest.mark.parametrize("logs_late", [False, True])
def test_a_cell_ends_after_the_least_steps_if_they_took_long_enough(logs_late: bool) -> None:
    kinds = [event.event for event in trained(0.08, logs_late=logs_late)]
    assert kinds.count("step_ends") == kinds.count("step_logged") == 4
    assert kinds.count("peak_memory") == kinds.count("own_time") == 1


def test_a_fast_cell_goes_on_until_it_was_measured_long_enough() -> None:
    kinds = [event.event for event in trained(0.02, logs_late=False)]
    assert 4 < kinds.count("step_ends") == kinds.count("step_logged") < 20
    assert kinds.count("peak_memory") == 1


def test_a_cell_that_is_never_long_enough_ends_with_its_job() -> None:
    kinds = [event.event for event in trained(0.001, logs_late=False)]
    assert kinds.count("step_ends") == kinds.count("step_logged") == 20
    assert kinds.count("peak_memory") == 1
