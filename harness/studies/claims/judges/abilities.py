"""Judge what a framework can do, by attempts to do it."""

from __future__ import annotations

from collections.abc import Iterable

from harness.job.capabilities import Ending, title_of
from harness.studies.claims.finding import ClaimFinding, Question
from harness.studies.claims.gather import Recorded
from harness.studies.claims.interval_verdict import Verdict

VERDICTS: dict[Ending, Verdict] = {
    "works": "confirmed",
    "absent": "refuted",
    "fails": "inconclusive",
    "listed": "inconclusive",
    "needs a GPU": "not comparable",
}
"""A success confirms, an absence refutes. A failure, or being only listed, proves neither."""


def attempts(question: Question, recorded: Recorded) -> Iterable[ClaimFinding]:
    """Yield a finding per attempt at what is claimed."""
    for attempt in recorded.attempts:
        if attempt.framework == question.subject and attempt.capability in question.part.what:
            yield ClaimFinding(
                verdict=VERDICTS[attempt.ending],
                part=question.part,
                run=attempt.run,
                machine="CPU" if attempt.device == "cpu" else "GPU",
                section=title_of(attempt.capability),
                measured=None,
                seen=f"{attempt.ending}: {attempt.evidence}",
                mismatches=("device: a CPU, not a GPU",) if attempt.ending == "needs a GPU" else (),
            )


def why_none(question: Question) -> str:
    """Say that nothing was tried."""
    return f"nothing recorded says whether {question.subject} can: {', '.join(question.part.what)}"
