"""Judge figures of a run's processes: speed, memory, and losses."""

from __future__ import annotations

from collections.abc import Iterable

from harness.analysis.estimates import Rounds, median_estimate, ratio_estimate
from harness.studies.claims.evidence import Evidence
from harness.studies.claims.finding import ClaimFinding, Question, finding_of_processes, seen_finding
from harness.studies.claims.gather import Recorded
from harness.studies.claims.measured_under import mismatches
from harness.studies.claims.metric_ranges import Quantity


def ratios(question: Question, recorded: Recorded) -> Iterable[ClaimFinding]:
    """Yield the subject's ratio to the baseline, in each section of each run that has both."""
    for subject in rows_of(question, recorded):
        for other in recorded.rows:
            if other.under.framework == question.baseline and _comparable(subject, other):
                ratio = ratio_estimate(figures(subject, question.quantity), figures(other, question.quantity))
                if ratio is not None:
                    differing = _differing(question, subject, other)
                    yield finding_of_processes(question, (subject, other), ratio, differing)


def absolutes(question: Question, recorded: Recorded) -> Iterable[ClaimFinding]:
    """Yield the subject's figure, in each section of each run."""
    for subject in rows_of(question, recorded):
        figure = median_estimate([*figures(subject, question.quantity).values()])
        yield finding_of_processes(question, (subject,), figure, mismatches(question.conditions, subject.under))


def losses(question: Question, recorded: Recorded) -> Iterable[ClaimFinding]:
    """Yield whether the subject's losses were those of the plain PyTorch loop, by its audit."""
    for subject in rows_of(question, recorded):
        if subject.same_loss is not None:
            seen = f"largest relative difference from a plain PyTorch loop at any step: {subject.loss_seen}"
            yield seen_finding(question, subject.under, subject.section, seen, holds=subject.same_loss)


def why_none(question: Question) -> str:
    """Say that no run has the figures."""
    subject, other = question.subject, question.baseline
    return f"no run has figures of {subject}" + (f" and {other} side by side" if other and other != subject else "")


def rows_of(question: Question, recorded: Recorded) -> list[Evidence]:
    """Return the subject's rows of all runs."""
    return [row for row in recorded.rows if row.under.framework == question.subject]


def figures(row: Evidence, quantity: Quantity) -> Rounds:
    """Return, by round, tokens per second or peak memory in bytes."""
    return row.tokens_per_second if quantity in ("speed ratio", "tokens per second") else row.peak_memory_bytes


def _comparable(first: Evidence, other: Evidence) -> bool:
    """True if two rows may form a ratio."""
    return (first.under.run, first.section, first.conditions) == (other.under.run, other.section, other.conditions)


def _differing(question: Question, subject: Evidence, other: Evidence) -> list[str]:
    """Return how either side differs from the claim's conditions. What only the second side has, names it."""
    differing = list(mismatches(question.conditions, subject.under))
    theirs = [text for text in mismatches(question.conditions, other.under) if text not in differing]
    return [*differing, *(f"{other.under.framework}: {text}" for text in theirs)]
