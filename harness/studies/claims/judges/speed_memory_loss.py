"""Quantities of a run's processes: ratios between frameworks, figures of one, and the losses."""

from __future__ import annotations

from collections.abc import Iterable

from harness.analysis.statistics import Rounds, median_estimate, ratio_estimate
from harness.studies.claims.evidence import Evidence
from harness.studies.claims.finding import ClaimFinding, Question, finding_of_processes, seen_finding
from harness.studies.claims.gather import Recorded
from harness.studies.claims.measured_under import mismatches
from harness.studies.claims.metrics import Quantity


def ratios(question: Question, recorded: Recorded) -> Iterable[ClaimFinding]:
    """The subject against the baseline, in each section of each run that has both."""
    for own in rows_of(question, recorded):
        for other in recorded.rows:
            if other.under.framework == question.baseline and _comparable(own, other):
                ratio = ratio_estimate(figures(own, question.quantity), figures(other, question.quantity))
                if ratio is not None:
                    differing = _differing(question, own, other)
                    yield finding_of_processes(question, (own, other), ratio, differing)


def absolutes(question: Question, recorded: Recorded) -> Iterable[ClaimFinding]:
    """The subject's own figure, in each section of each run."""
    for own in rows_of(question, recorded):
        figure = median_estimate([*figures(own, question.quantity).values()])
        yield finding_of_processes(question, (own,), figure, mismatches(question.conditions, own.under))


def losses(question: Question, recorded: Recorded) -> Iterable[ClaimFinding]:
    """Whether the subject's losses were those of the plain PyTorch loop, as its audit found."""
    for own in rows_of(question, recorded):
        if own.same_loss is not None:
            seen = f"largest relative difference from a plain PyTorch loop at any step: {own.loss_seen}"
            yield seen_finding(question, own.under, own.section, seen, holds=own.same_loss)


def why_none(question: Question) -> str:
    """That no run has the figures."""
    own, other = question.subject, question.baseline
    return f"no run has figures of {own}" + (f" and {other} side by side" if other and other != own else "")


def rows_of(question: Question, recorded: Recorded) -> list[Evidence]:
    """The subject's rows of all runs."""
    return [row for row in recorded.rows if row.under.framework == question.subject]


def figures(row: Evidence, quantity: Quantity) -> Rounds:
    """By round: tokens per second, or peak memory in bytes."""
    return row.tokens_per_second if quantity in ("speed ratio", "tokens per second") else row.peak_memory_bytes


def _comparable(one: Evidence, other: Evidence) -> bool:
    """Whether two rows may stand in one ratio."""
    return (one.under.run, one.section, one.conditions) == (other.under.run, other.section, other.conditions)


def _differing(question: Question, own: Evidence, other: Evidence) -> list[str]:
    """What differs from the claim's conditions on either side, the second one's named as such."""
    differing = list(mismatches(question.conditions, own.under))
    theirs = [text for text in mismatches(question.conditions, other.under) if text not in differing]
    return [*differing, *(f"{other.under.framework}: {text}" for text in theirs)]
