"""Who is told how a run goes."""

from __future__ import annotations

from typing import Protocol

from harness.audit.verdict import Verdict
from harness.execute.events import Event
from harness.execute.open_workers import SetupObserver
from harness.job.plan import Cell, Entry
from harness.records.cell_record import CellRecord


class Observer(SetupObserver, Protocol):
    """Who is told how the run goes."""

    def warning(self, text: str) -> None:
        """Something that whoever runs it may want to change now."""

    def audit_begins(self, entry: Entry) -> None:
        """A framework is about to train before the audit's eyes (and the reference before the first)."""

    def audit_event(self, event: Event) -> None:
        """An audited process told something."""

    def audit_ended(self, verdict: Verdict) -> None:
        """An audit has its verdict."""

    def planned(self, cells: tuple[Cell, ...], recorded: frozenset[str]) -> None:
        """All cells of the run, and the names of those that are on disk already."""

    def cell_begins(self, cell: Cell) -> None:
        """A cell's process is about to start."""

    def cell_event(self, cell: Cell, event: Event) -> None:
        """A cell told something."""

    def cell_spared(self, cell: Cell) -> None:
        """A cell of an adaptive run is not needed: its framework's figure is known well enough."""

    def cell_ended(self, cell: Cell, record: CellRecord) -> None:
        """A cell is on disk."""
