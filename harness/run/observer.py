"""The interface of what shows how a run goes."""

from __future__ import annotations

from typing import Protocol

from harness.audit.verdict import Verdict
from harness.execute.events import Event
from harness.execute.open_workers import SetupObserver
from harness.job.plan import Cell, Entry
from harness.records.cell_record import CellRecord


class Observer(SetupObserver, Protocol):
    """Hears how the run goes."""

    def warning(self, text: str) -> None:
        """Something that the user may want to change now."""

    def audit_begins(self, entry: Entry) -> None:
        """A framework is about to train for its audit (before the first one, also the reference)."""

    def audit_event(self, event: Event) -> None:
        """An audited process sent an event."""

    def audit_ended(self, verdict: Verdict) -> None:
        """An audit has ended with a verdict."""

    def planned(self, cells: tuple[Cell, ...], recorded: frozenset[str]) -> None:
        """All cells of the run, and the names of those that are already on disk."""

    def cell_begins(self, cell: Cell) -> None:
        """A cell's process is about to start."""

    def cell_event(self, cell: Cell, event: Event) -> None:
        """A cell sent an event."""

    def cell_spared(self, cell: Cell) -> None:
        """An adaptive run does not need this cell: its framework's figure is precise enough."""

    def cell_ended(self, cell: Cell, record: CellRecord) -> None:
        """A cell is on disk."""
