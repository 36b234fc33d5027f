"""Gather all evidence for claims, from all recorded runs together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.records.checked_run import CheckedRun
from harness.records.deployments import DeploymentFile, Deployments
from harness.records.probes import ProbeFile, ProbeRecord
from harness.records.run_folder import RunFolder
from harness.records.searches import SearchFile
from harness.studies.claims.evidence import Evidence, LongestContext, contexts_of, evidence_of
from harness.studies.claims.ratings import RatedRun, rated


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """What became of a run's results after training."""

    run: str
    """Name of its folder."""
    found: Deployments


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """Evidence from runs, searches, probes and deployments."""

    rows: tuple[Evidence, ...] = ()
    contexts: tuple[LongestContext, ...] = ()
    attempts: tuple[ProbeRecord, ...] = ()
    """Attempts at the frameworks' capabilities."""
    rated: tuple[RatedRun, ...] = ()
    deployed: tuple[Deployed, ...] = ()


def gather(sources: Iterable[RunFolder | CheckedRun]) -> Recorded:
    """Gather evidence from runs, and from folders with only searches and probes. Raises RunFolderError."""
    rows: list[Evidence] = []
    contexts: list[LongestContext] = []
    attempts: list[ProbeRecord] = []
    ratings: list[RatedRun] = []
    deployed: list[Deployed] = []
    for source in sources:
        if isinstance(source, RunFolder):
            contexts += contexts_of(source.path.name, SearchFile(source.path).read())
            attempts += ProbeFile(source.path).read()
            deployed.append(Deployed(run=source.path.name, found=DeploymentFile(source.path).read()))
            continue
        found = evidence_of(source)
        rows += found
        ratings += rated(source, found)
        contexts += contexts_of(source.folder.path.name, source.searches)
        attempts += source.probes
        deployed.append(Deployed(run=source.folder.path.name, found=source.deployments))
    return Recorded(
        rows=tuple(rows),
        contexts=tuple(contexts),
        attempts=tuple(attempts),
        rated=tuple(ratings),
        deployed=tuple(one for one in deployed if one.found.results),
    )
