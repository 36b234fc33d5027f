"""A question about one part of a claim, and what one section of one run says about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.estimates import Estimate
from harness.analysis.significance import LEAST_FOR_A_VERDICT
from harness.audit.verdict import PROVEN
from harness.studies.claims.evidence import Circumstances, Evidence
from harness.studies.claims.interval_verdict import Verdict, repeats_to_settle, verdict_of
from harness.studies.claims.measured_under import mismatches
from harness.studies.claims.metric_ranges import MEANINGS, OF_PROCESSES, Quantity
from harness.studies.claims.registry import Claim, Conditions, Part, Switch


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A part of a claim, completed by the claim."""

    claim: Claim
    part: Part

    @property
    def quantity(self) -> Quantity:
        """The quantity of the part's metric."""
        return MEANINGS[self.part.metric].quantity

    @property
    def subject(self) -> str:
        """The framework that the part is about."""
        return self.part.subject or self.claim.subject

    @property
    def baseline(self) -> str | None:
        """The framework that it is compared with; None if the part is about one alone."""
        return self.part.baseline or self.claim.baseline

    @property
    def conditions(self) -> Conditions:
        """The conditions of the claimed figure."""
        return self.claim.conditions_of(self.part)

    @property
    def setting(self) -> Switch | None:
        """The setting whose gain is claimed; None if the part compares two frameworks."""
        return self.claim.setting_of(self.part)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimFinding:
    """What one section of one run says about one part of a claim."""

    verdict: Verdict
    part: Part
    run: str
    machine: str
    section: str
    """The method and track; for a capability, its name."""
    measured: Estimate | None
    """Figure of the part's quantity; None if that is no number."""
    seen: str = ""
    """What was observed, if it is no number."""
    mismatches: tuple[str, ...] = ()
    repeats_to_settle: int | None = None
    """Processes per side that would settle it, if the figure stays; None if more processes would not."""


def finding_of(
    question: Question, under: Circumstances, section: str, measured: Estimate, differing: Sequence[str]
) -> ClaimFinding:
    """Return the finding for an interval; "not comparable" if anything differs from the claim's conditions."""
    bounds = question.part.bounds
    verdict: Verdict = "not comparable" if differing else verdict_of(measured, bounds)
    more_would_help = verdict == "inconclusive" and question.quantity in OF_PROCESSES
    return ClaimFinding(
        verdict=verdict,
        part=question.part,
        run=under.run,
        machine=under.machine,
        section=section,
        measured=measured,
        mismatches=tuple(differing),
        repeats_to_settle=repeats_to_settle(measured, bounds) if more_would_help else None,
    )


def finding_of_processes(
    question: Question, sides: Sequence[Evidence], measured: Estimate, mismatched: Sequence[str]
) -> ClaimFinding:
    """Return the finding for figures over processes. The first side is the claim's subject.

    Every side must have trained the audited job, in enough processes.
    """
    subject, differing = sides[0], list(mismatched)
    for side in sides:
        if side.same_job not in PROVEN:
            words = "not audited" if side.same_job == "not audited" else "not the same"
            differing.append(f"{side.under.framework}'s job: {words}")
    finding = finding_of(question, subject.under, subject.section, measured, differing)
    if measured.n < LEAST_FOR_A_VERDICT and not differing:
        return dataclasses.replace(finding, verdict="inconclusive", repeats_to_settle=LEAST_FOR_A_VERDICT)
    return finding


def seen_finding(question: Question, under: Circumstances, section: str, seen: str, *, holds: bool) -> ClaimFinding:
    """Return the finding for what is no number: it holds or it does not."""
    differing = mismatches(question.conditions, under)
    return ClaimFinding(
        verdict="not comparable" if differing else "confirmed" if holds else "refuted",
        part=question.part,
        run=under.run,
        machine=under.machine,
        section=section,
        measured=None,
        seen=seen,
        mismatches=differing,
    )
