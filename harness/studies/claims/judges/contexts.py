"""Judge the longest sequence that trains.

A search has no random error but a resolution: the true limit lies between the longest that trained and the shortest
that did not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from harness.analysis.estimates import Estimate
from harness.studies.claims.evidence import LongestContext
from harness.studies.claims.finding import ClaimFinding, Question, finding_of
from harness.studies.claims.gather import Recorded
from harness.studies.claims.measured_under import mismatches


def lengths(question: Question, recorded: Recorded) -> Iterable[ClaimFinding]:
    """Yield the subject's limit, for each search."""
    for search in _searches(question, recorded):
        high = math.inf if search.too_long is None else search.too_long
        limit = Estimate(value=search.tokens, low=search.tokens, high=high, n=1)
        yield finding_of(question, search.under, _section(search), limit, _differing(question, search))


def ratios(question: Question, recorded: Recorded) -> Iterable[ClaimFinding]:
    """Yield the ratio of the subject's limit to the baseline's, for two searches of one run within one budget."""
    for search in _searches(question, recorded):
        for other in recorded.contexts:
            if other.under.framework == question.baseline and other.tokens and _alike(search) == _alike(other):
                low = search.tokens / (other.too_long or other.tokens)
                high = (search.too_long or search.tokens) / other.tokens
                ratio = Estimate(value=search.tokens / other.tokens, low=low, high=high, n=1)
                yield finding_of(question, search.under, _section(search), ratio, _differing(question, search))


def why_none(question: Question) -> str:
    """Say that there is no search."""
    return f"no search for the longest sequence of {question.subject} is recorded"


def _searches(question: Question, recorded: Recorded) -> list[LongestContext]:
    return [search for search in recorded.contexts if search.under.framework == question.subject]


def _section(search: LongestContext) -> str:
    return f"{search.under.job.method}, {search.under.track}"


def _differing(question: Question, search: LongestContext) -> tuple[str, ...]:
    return mismatches(question.conditions, search.under, sought="sequence_length")


def _alike(search: LongestContext) -> tuple[object, ...]:
    """Return what two searches must share."""
    under = search.under
    return (under.run, under.machine, under.memory_bytes, under.track, under.job)
