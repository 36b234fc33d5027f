"""The events of a cell's process. harness/worker/recorder.py writes one line of JSON per event.

Times are CLOCK_MONOTONIC seconds, memory is in bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

import pydantic

Outcome = Literal["ok", "oom", "timeout", "killed", "crashed", "invalid", "unsupported", "unavailable"]


class _Event(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)


class Started(_Event):
    """The process exists."""

    event: Literal["started"] = "started"
    time: float
    pid: int
    start: str


class TrainingBegins(_Event):
    """The model is loaded, and the first optimizer step comes next."""

    event: Literal["training_begins"] = "training_begins"
    time: float
    cpu_seconds: float
    """CPU time of the process so far."""


class StepEnds(_Event):
    """An optimizer step has ended, by the clock of the host's CPU."""

    event: Literal["step_ends"] = "step_ends"
    step: int
    """Counted from 1."""
    time: float
    cpu_seconds: float


class StepLogged(_Event):
    """The framework's figures for a step."""

    event: Literal["step_logged"] = "step_logged"
    step: int
    loss: float | None
    grad_norm: float | None = None
    learning_rate: float | None = None


class Fact(_Event):
    """Something read back from the live objects."""

    event: Literal["fact"] = "fact"
    name: str
    value: Any


class Peaks(_Event):
    """Peaks of memory; None for a kind that the machine lacks."""

    peak_rss_bytes: int | None = None
    peak_allocated_bytes: int | None = None
    peak_reserved_bytes: int | None = None
    outside_allocator_bytes: int | None = None
    """Device memory outside torch's allocator: the CUDA context, libraries' workspaces, other processes."""


class PhaseMemory(Peaks):
    """The peaks of a phase that has ended."""

    event: Literal["phase_peaks"] = "phase_peaks"
    phase: Literal["load", "first_step", "steady"]


class PeakMemory(Peaks):
    """The peaks over all phases. Training has ended."""

    event: Literal["peak_memory"] = "peak_memory"
    allocation_retries: int | None = None


class DeviceTimes(_Event):
    """When the device ended each step, in seconds since training began, and the host's time of the last step."""

    event: Literal["device_times"] = "device_times"
    seconds: tuple[float, ...]
    host_seconds: float


class OwnTime(_Event):
    """Time that the recorder itself took during the steps."""

    event: Literal["own_time"] = "own_time"
    seconds: float


class ProcessEnds(_Event):
    """The last event of a process that could still report its end."""

    event: Literal["ended"] = "ended"
    time: float
    outcome: Outcome
    reason: str = ""
    cpu_seconds: float | None = None


class MemoryHeld(_Event):
    """Memory that the process tree holds now, as the controller reads it from outside."""

    event: Literal["memory"] = "memory"
    resident_bytes: int


Event = (
    Started
    | TrainingBegins
    | StepEnds
    | StepLogged
    | Fact
    | PhaseMemory
    | PeakMemory
    | DeviceTimes
    | OwnTime
    | ProcessEnds
    | MemoryHeld
)
EVENT: pydantic.TypeAdapter[Event] = pydantic.TypeAdapter(Annotated[Event, pydantic.Field(discriminator="event")])
Kind = TypeVar("Kind", bound=_Event)


def read_event(line: bytes) -> Event:
    """Return the event in a line. Raises ValueError if there is none."""
    return EVENT.validate_json(line)


def first_of(kind: type[Kind], events: Iterable[Event]) -> Kind | None:
    """Return the first event of a kind; None if there is none."""
    return next((event for event in events if isinstance(event, kind)), None)


def facts_of(events: Iterable[Event]) -> dict[str, Any]:
    """Return everything that was read back, by name."""
    return {event.name: event.value for event in events if isinstance(event, Fact)}
