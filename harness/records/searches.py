"""capacity.json in a run's folder: every size that was tried, with which framework, within which budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import pydantic

from harness.files.json_files import Content, read_content, write_content

FILENAME = "capacity.json"
SCHEMA_VERSION = 1

SizeName = Literal["sequence_length", "micro_batch_size"]
SIZE_NAMES: tuple[SizeName, ...] = get_args(SizeName)
UNITS = {"sequence_length": "tokens", "micro_batch_size": "sequences"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One size that was tried."""

    size: int
    fits: bool
    peak_memory_bytes: int | None
    """Peak of a size that fits."""
    reason: str = ""
    """Why a size does not fit."""


def largest_fit(probes: Sequence[Trial]) -> Trial | None:
    """Return the largest size that fits; None if none does."""
    return max((probe for probe in probes if probe.fits), key=lambda probe: probe.size, default=None)


def smallest_miss(probes: Sequence[Trial]) -> Trial | None:
    """Return the smallest size that does not fit; None if all do."""
    return min((probe for probe in probes if not probe.fits), key=lambda probe: probe.size, default=None)


class SearchRecord(pydantic.BaseModel):
    """One search. All fields but the probes and `stopped` say what was searched."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    quantity: SizeName
    framework: str
    method: str
    track: str
    budget_bytes: int
    environment: str
    framework_version: str
    device: str
    omp_num_threads: int
    memory_kind: str
    job: dict[str, Any]
    """The job at the smallest size."""
    native: dict[str, Any]
    probes: tuple[Trial, ...] = ()
    stopped: str = ""
    """Why the search ended before its answer was known to 2%."""

    @property
    def identity(self) -> dict[str, Any]:
        """Searches with the same identity are the same search."""
        return self.model_dump(exclude={"probes", "stopped"})

    @property
    def largest(self) -> int | None:
        """The largest that trained; None if none did."""
        best = largest_fit(self.probes)
        return None if best is None else best.size

    @property
    def answer(self) -> str:
        """The answer in words."""
        best, miss = largest_fit(self.probes), smallest_miss(self.probes)
        unit = UNITS[self.quantity]
        if self.stopped:
            return self.stopped if best is None else f"at least {best.size:,} {unit} ({self.stopped})"
        if best is None:
            return f"not even {miss.size:,} {unit}: {miss.reason}" if miss is not None else "not searched"
        limit = "no more were tried" if miss is None else f"{miss.size:,} did not: {miss.reason}"
        return f"{best.size:,} {unit} ({limit})"


class _SearchesContent(Content):
    searches: list[SearchRecord]


class SearchFile:
    """The searches in one folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILENAME

    def read(self) -> list[SearchRecord]:
        """Return all searches; none if there is no file. Raises RunFolderError if it is not this program's."""
        content = read_content(self.path, _SearchesContent, SCHEMA_VERSION)
        return [] if content is None else content.searches

    def found_or(self, new: SearchRecord) -> SearchRecord:
        """Return the recorded search with the same identity, as far as it got; else the new one."""
        return next((search for search in self.read() if search.identity == new.identity), new)

    def write(self, record: SearchRecord) -> None:
        """Write a search in place of the one with its identity, or at the end."""
        others = self.read()
        place = next((i for i, other in enumerate(others) if other.identity == record.identity), len(others))
        searches = [*others[:place], record, *others[place + 1 :]]
        write_content(self.path, _SearchesContent(schema_version=SCHEMA_VERSION, searches=searches))
