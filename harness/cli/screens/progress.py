"""Show how a run goes: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import itertools
import threading
import time

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.audit.verdict import Verdict
from harness.cli.screens.bars import sparkline
from harness.cli.screens.console import plain, say
from harness.environment.environment import Progress
from harness.execute.events import Event, MemoryHeld, Started, StepEnds, StepLogged, TrainingBegins
from harness.job.experiment import section
from harness.job.plan import Cell, Entry
from harness.records.cell_record import CellRecord
from harness.text import units

REDRAW_SECONDS = 1.0
COURSE_WIDTH = 16
"""Characters of each small curve. Both curves fit on 80 columns."""


def environment_line(progress: Progress) -> str | None:
    """Return one line about a framework's environment; None if there is nothing to report."""
    if progress.stage == "building":
        return f"{progress.framework}: installing{f', {progress.reason}' if progress.reason else ''}"
    if progress.stage == "built":
        return f"{progress.framework}: installed in {units.seconds(progress.seconds)}"
    if progress.stage == "failed":
        return f"{progress.framework}: unavailable: {progress.reason}"
    return None


def audit_line(verdict: Verdict) -> str:
    """Return one line about an audit."""
    name = f"{verdict.framework} {section(verdict.method, verdict.track)}"
    said = {
        "yes": "the same job",
        "with deviations": f"the same job, with deviations: {'; '.join(verdict.deviations)}",
        "no": f"NOT the same job: {'; '.join(verdict.reasons)}",
        "not audited": f"not audited: {'; '.join(verdict.reasons)}",
    }
    return f"audit, {name}: {said[verdict.same_job]}"


class PlainObserver:
    """Prints a line when something begins or ends; for logs, CI and files."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress = RunProgress()

    def __enter__(self) -> PlainObserver:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def stage(self, text: str) -> None:
        """See harness.run.observer.Observer."""
        self._say(text)

    def warning(self, text: str) -> None:
        """See harness.run.observer.Observer."""
        self._say(f"Caution: {text}")

    def environment(self, progress: Progress) -> None:
        """See harness.run.observer.Observer."""
        if line := environment_line(progress):
            self._say(f"  {line}")

    def audit_begins(self, entry: Entry) -> None:
        """See harness.run.observer.Observer."""

    def audit_event(self, event: Event) -> None:
        """See harness.run.observer.Observer."""

    def audit_ended(self, verdict: Verdict) -> None:
        """See harness.run.observer.Observer."""
        self._say(f"  {audit_line(verdict)}")

    def planned(self, cells: tuple[Cell, ...], recorded: frozenset[str]) -> None:
        """See harness.run.observer.Observer."""
        self.progress.planned(cells, recorded)
        if recorded:
            self._say(f"{len(recorded)} of {len(cells)} cells are recorded already")

    def cell_begins(self, cell: Cell) -> None:
        """See harness.run.observer.Observer."""
        self.progress.cell_begins(cell)

    def cell_event(self, cell: Cell, event: Event) -> None:
        """See harness.run.observer.Observer."""
        self.progress.cell_event(event)

    def cell_spared(self, cell: Cell) -> None:
        """See harness.run.observer.Observer."""
        self.progress.total -= 1

    def cell_ended(self, cell: Cell, record: CellRecord) -> None:
        """See harness.run.observer.Observer."""
        self.progress.cell_ended(record)
        self._say(f"[{self.progress.done}/{self.progress.total}] {ended_line(cell, record)}{self.progress.left()}")

    def _say(self, text: str) -> None:
        say(self.console, plain(text))


class SilentObserver(PlainObserver):
    """Prints nothing; for scripts."""

    def _say(self, text: str) -> None:
        return None


class LiveObserver(PlainObserver):
    """Shows a table of the last cells above the running one, redrawn at most once a second."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._lock = threading.Lock()
        self._drawn = 0.0
        self._status = ""
        self._auditing = ""
        self._ended: list[tuple[Cell, CellRecord]] = []

    def __enter__(self) -> LiveObserver:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def stage(self, text: str) -> None:
        """See harness.run.observer.Observer."""
        self._status = text
        self._draw(now=True)

    def audit_begins(self, entry: Entry) -> None:
        """See harness.run.observer.Observer."""
        self._auditing = f"Auditing {entry.title}"
        self.stage(self._auditing)

    def audit_event(self, event: Event) -> None:
        """See harness.run.observer.Observer."""
        if isinstance(event, StepEnds):
            self.stage(f"{self._auditing}, step {event.step}")

    def planned(self, cells: tuple[Cell, ...], recorded: frozenset[str]) -> None:
        """See harness.run.observer.Observer."""
        super().planned(cells, recorded)
        self._status = ""

    def cell_begins(self, cell: Cell) -> None:
        """See harness.run.observer.Observer."""
        super().cell_begins(cell)
        self._draw(now=True)

    def cell_event(self, cell: Cell, event: Event) -> None:
        """See harness.run.observer.Observer."""
        super().cell_event(cell, event)
        self._draw()

    def cell_ended(self, cell: Cell, record: CellRecord) -> None:
        """See harness.run.observer.Observer."""
        self.progress.cell_ended(record)
        self._ended.append((cell, record))
        self._draw(now=True)

    def _draw(self, *, now: bool = False) -> None:
        with self._lock:
            if not now and time.monotonic() - self._drawn < REDRAW_SECONDS:
                return
            self._drawn = time.monotonic()
            self._live.update(self._picture(), refresh=True)

    def _picture(self) -> Group:
        if self._status:
            return Group(Text(f"{self._status} ..."))
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for heading in ("round", "cell", "step", "tokens/s", "memory", "outcome"):
            table.add_column(heading, justify="left" if heading in {"cell", "outcome"} else "right", no_wrap=True)
        room = max(3, self.console.height - 6)
        for cell, record in self._ended[-room:]:
            table.add_row(
                str(cell.repeat),
                cell.title,
                str(record.steps or units.NOTHING),
                units.rate(record.tokens_per_second),
                units.gibibytes(record.peak_memory_bytes),
                str(record.outcome),
            )
        current = self.progress.current
        if current is not None:
            table.add_row(
                str(current.repeat),
                current.title,
                f"{self.progress.step}/{current.job.max_steps}",
                units.rate(self.progress.tokens_per_second()),
                units.gibibytes(self.progress.resident_bytes),
                self.progress.phase,
                style="bold",
            )
        lines = [Text(f"{self.progress.done} of {self.progress.total} cells{self.progress.left()}")]
        if self.console.encoding.startswith("utf") and (course := self.progress.course(COURSE_WIDTH)):
            lines.append(Text(course, no_wrap=True))
        return Group(table, *lines)


class RunProgress:
    """The state of a run, kept from what its observer hears."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self.current: Cell | None = None
        self.phase = ""
        self.step = 0
        self.resident_bytes: int | None = None
        self._step_times: list[float] = []
        self._losses: list[float] = []
        self._walls: list[float] = []
        self._begun = 0.0

    def planned(self, cells: tuple[Cell, ...], recorded: frozenset[str]) -> None:
        """Count the cells to be run."""
        self.total, self.done = len(cells), len(recorded)

    def cell_begins(self, cell: Cell) -> None:
        """A cell starts."""
        self.current, self.phase, self.step = cell, "starting", 0
        self.resident_bytes = None
        self._step_times = []
        self._losses = []
        self._begun = time.monotonic()

    def cell_event(self, event: Event) -> None:
        """The running cell sent an event."""
        match event:
            case Started():
                self.phase = "loading"
            case TrainingBegins():
                self.phase = "training"
                self._step_times.append(event.time)
            case MemoryHeld():
                self.resident_bytes = event.resident_bytes
            case StepEnds():
                self.step = event.step
                self._step_times.append(event.time)
            case StepLogged(loss=float(loss)):
                self._losses.append(loss)

    def cell_ended(self, record: CellRecord) -> None:
        """A cell is on disk."""
        self.current = None
        self.done += 1
        if record.outcome == "ok":
            self._walls.append(time.monotonic() - self._begun)

    def tokens_per_second(self) -> float | None:
        """Rate of the step that ended last."""
        if self.current is None or len(self._step_times) < 2:
            return None
        return self.current.job.tokens_per_step / (self._step_times[-1] - self._step_times[-2])

    def course(self, width: int) -> str:
        """Curves of the running cell's steps so far; empty before there are two."""
        seconds = [after - before for before, after in itertools.pairwise(self._step_times)]
        if self.current is None or len(seconds) < 2:
            return ""
        loss = f"   loss {sparkline(self._losses, width)} {units.loss(self._losses[-1])}" if self._losses else ""
        return f"step time {sparkline(seconds, width)} {units.seconds(seconds[-1])}{loss}"

    def left(self) -> str:
        """About how long the rest takes, from the cells that were ok."""
        rest = self.total - self.done
        if not self._walls or not rest:
            return ""
        return f", about {units.seconds(rest * sum(self._walls) / len(self._walls))} left"


def ended_line(cell: Cell, record: CellRecord) -> str:
    """Return one line about a cell that has ended."""
    twin = " (twin)" if cell.twin else ""
    name = f"round {cell.repeat}, {cell.framework}{twin} {cell.section}"
    if record.outcome != "ok":
        return f"{name}: {record.outcome}: {record.reason}"
    return (
        f"{name}: {units.rate(record.tokens_per_second)} tokens/s, {units.gibibytes(record.peak_memory_bytes)}, "
        f"final loss {units.loss(record.final_loss)}"
    )
