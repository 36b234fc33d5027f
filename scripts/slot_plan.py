"""What a slot of GPU time can do of a reference run: `python scripts/slot_plan.py --seconds 840 --output results/NAME`.

Prints a line per slot until the run is complete. The first slot begins with what is in the run's folder; cells' times
are read from there too, once some have ended. Exit status 2 if the slot is too short for a round.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.job.plan import Cell, entries, plan
from harness.job.recipe import Choices, resolve
from harness.records.cell_record import CellRecord
from harness.records.run_folder import RunFolder
from harness.run.time_left import AFTER_THE_LAST_CELL_SECONDS, SPARE, seconds_for

MOST_SLOTS = 20


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Seconds that the parts of a slot take, measured on an H100 node with 16 cores."""

    setup: float = 30.0
    """To install five overlays side by side, in every slot: a machine starts bare."""
    inputs: float = 15.0
    """For model and token blocks."""
    limits: float = 10.0
    """To measure the machine's ceilings."""
    imports: float = 25.0
    """Of one batch of workers."""
    batch: int = 16
    """Workers that import side by side."""
    audit: float = 12.0
    """Beyond its import. Audits run one after the other, since most fill the memory."""
    cell: float = 9.0
    """Of a cell whose worker was imported ahead."""


@dataclass(kw_only=True)
class Left:
    """What remains of the run."""

    audits: int
    rounds: list[list[Cell]]


def main() -> int:
    """Print the plan."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, required=True, help="of each slot")
    parser.add_argument("--output", type=Path, required=True, help="the run's folder, which need not be there")
    parser.add_argument("--profile", default="gpu-80gb")
    parser.add_argument("--methods", default="all")
    parser.add_argument("--frameworks", default="all")
    parser.add_argument("--track", default="parity")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--aa", action="store_true")
    parser.add_argument("--ceiling", action="store_true")
    parser.add_argument("--slots", type=int, default=MOST_SLOTS, help="print no more than so many")
    for name, value in vars(Figures()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value, help=f"{value}")
    asked = parser.parse_args()
    figures = Figures(**{name: getattr(asked, name) for name in vars(Figures())})
    chosen = ("profile", "methods", "frameworks", "track", "repeats", "aa", "ceiling")
    try:
        experiment = resolve(Choices(**{name: getattr(asked, name) for name in chosen}), gpu_present=True)
        folder = RunFolder(asked.output)
        records = folder.read_records() if folder.exists() else []
        audited = len(folder.read_audits()) if folder.exists() else 0
    except HarnessError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    recorded = {record.cell for record in records}
    rounds = [
        [cell for cell in plan(experiment) if cell.repeat == round_number]
        for round_number in range(1, asked.repeats + 1)
    ]
    missing = [[cell for cell in cells if cell.name not in recorded] for cells in rounds]
    left = Left(audits=len(entries(experiment)) - audited, rounds=[cells for cells in missing if cells])
    for slot in range(1, asked.slots + 1):
        if not left.rounds and not left.audits:
            break
        before = len(left.rounds), left.audits
        print(f"slot {slot} of {asked.seconds:g} s: {_spent(left, figures, asked.seconds, records)}")
        if before == (len(left.rounds), left.audits):
            sys.stderr.write(f"error: {asked.seconds:g} s are too short for what one slot must do; give it more\n")
            return 2
    rest = f"{len(left.rounds)} rounds and {left.audits} audits are left" if left.rounds or left.audits else "complete"
    print(f"then: {rest}")
    return 0


def _spent(left: Left, figures: Figures, seconds: float, records: Sequence[CellRecord]) -> str:
    """Return what one slot does, in words, and take it from what is left."""
    texts = [
        f"setup {figures.setup:.0f} s",
        f"inputs {figures.inputs:.0f} s",
        f"the machine's limits {figures.limits:.0f} s",
    ]
    free = seconds - figures.setup - figures.inputs - figures.limits - AFTER_THE_LAST_CELL_SECONDS
    if left.audits:
        # The two references of each method import with the rest.
        fitting = min(left.audits, math.floor((free - figures.imports) / figures.audit))
        if fitting < 1:
            return ", ".join([*texts, f"no time for any of {left.audits} audits"])
        took = figures.imports + figures.audit * fitting
        texts.append(f"{fitting} audits {took:.0f} s")
        left.audits, free = left.audits - fitting, free - took
        if left.audits:
            return ", ".join(texts)
    done = 0
    took = 0.0
    while left.rounds and (needed := _seconds_of(left.rounds[0], figures, records)) <= free - took:
        took += needed
        done += 1
        left.rounds.pop(0)
    texts.append(f"{done} rounds {took:.0f} s")
    return ", ".join([*texts, f"{free - took:.0f} s to spare"])


def _seconds_of(cells: Sequence[Cell], figures: Figures, records: Sequence[CellRecord]) -> float:
    if records:
        return SPARE * seconds_for(cells, records)
    return figures.imports * math.ceil(len(cells) / figures.batch) + figures.cell * len(cells)


if __name__ == "__main__":
    sys.exit(main())
