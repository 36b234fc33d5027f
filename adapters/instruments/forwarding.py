"""A Recorder that stands between an adapter and the process's Recorder. Standard library only."""

from __future__ import annotations

from ..base import LiveJob, Recorder


class ForwardingRecorder:
    """Passes everything on to `recorder`; see adapters.base.Recorder. A subclass observes what it is interested in."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def training_begins(self, live: LiveJob) -> None:
        """Pass it on."""
        self.recorder.training_begins(live)

    def step_ends(self) -> None:
        """Pass it on."""
        self.recorder.step_ends()

    def step_logged(
        self, step: int, *, loss: float, grad_norm: float | None = None, learning_rate: float | None = None
    ) -> None:
        """Pass it on."""
        self.recorder.step_logged(step, loss=loss, grad_norm=grad_norm, learning_rate=learning_rate)

    def fact(self, name: str, value: object) -> None:
        """Pass it on."""
        self.recorder.fact(name, value)
