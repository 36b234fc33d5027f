"""Everything that claims are held against, of all recorded runs together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.claims.evidence import Evidence, LongestContext, contexts_of, evidence_of
from harness.claims.ratings import RatedRun, rated
from harness.probe.record import ProbeFile, ProbeRecord
from harness.record import RunFolder
from harness.results import CheckedRun, read_checked


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """What runs, searches and probes left."""

    rows: tuple[Evidence, ...] = ()
    contexts: tuple[LongestContext, ...] = ()
    attempts: tuple[ProbeRecord, ...] = ()
    """What was tried of the frameworks' capabilities."""
    rated: tuple[RatedRun, ...] = ()


def gather(sources: Iterable[RunFolder | CheckedRun]) -> Recorded:
    """Of all folders together; a run that was read already is not read again. Raises RunFolderError."""
    rows: list[Evidence] = []
    contexts: list[LongestContext] = []
    attempts: list[ProbeRecord] = []
    ratings: list[RatedRun] = []
    for source in sources:
        folder = source if isinstance(source, RunFolder) else source.folder
        if folder.exists():
            checked = read_checked(source) if isinstance(source, RunFolder) else source
            found = evidence_of(checked)
            rows += found
            ratings += rated(checked, found)
        contexts += contexts_of(folder)
        attempts += ProbeFile(folder.path).read()
    return Recorded(rows=tuple(rows), contexts=tuple(contexts), attempts=tuple(attempts), rated=tuple(ratings))
