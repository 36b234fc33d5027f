"""What a cell's process tells while it runs: harness/worker/recorder.py writes it, a line of JSON an event.

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
    """The model is loaded, and the next thing is the first optimizer step."""

    event: Literal["training_begins"] = "training_begins"
    time: float
    cpu_seconds: float
    """CPU time of the process so far."""


class StepEnds(_Event):
    """An optimizer step has ended, by the host's clock."""

    event: Literal["step_ends"] = "step_ends"
    step: int
    """Counted from 1."""
    time: float
    cpu_seconds: float


class StepLogged(_Event):
    """The framework's own figures for a step."""

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
    """Peaks of memory; None for a kind that the machine does not have."""

    peak_rss_bytes: int | None = None
    peak_allocated_bytes: int | None = None
    peak_reserved_bytes: int | None = None
    outside_allocator_bytes: int | None = None
    """Of the device: the CUDA context, libraries' workspaces, what others hold."""


class PhaseMemory(Peaks):
    """The peaks of a phase that has ended."""

    event: Literal["phase_memory"] = "phase_memory"
    phase: Literal["load", "first_step", "steady"]


class PeakMemory(Peaks):
    """The peaks over all phases. Training has ended."""

    event: Literal["peak_memory"] = "peak_memory"
    allocation_retries: int | None = None


class DeviceTimes(_Event):
    """When the device ended each step, in seconds since training began, and what the host's clock says of the last."""

    event: Literal["device_times"] = "device_times"
    seconds: tuple[float, ...]
    host_seconds: float


class OwnTime(_Event):
    """What the recorder itself took of the steps."""

    event: Literal["own_time"] = "own_time"
    seconds: float


class ProcessEnds(_Event):
    """The last event of a process that could tell how it ended."""

    event: Literal["ended"] = "ended"
    time: float
    outcome: Outcome
    reason: str = ""
    cpu_seconds: float | None = None


class MemoryHeld(_Event):
    """What the process tree holds now. Told by the controller, which looks from outside."""

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
    """The event in a line. Raises ValueError if there is none."""
    return EVENT.validate_json(line)


def first_of(kind: type[Kind], events: Iterable[Event]) -> Kind | None:
    """The first event of a kind; None without one."""
    return next((event for event in events if isinstance(event, kind)), None)


def facts_of(events: Iterable[Event]) -> dict[str, Any]:
    """Everything that was read back, by name."""
    return {event.name: event.value for event in events if isinstance(event, Fact)}
