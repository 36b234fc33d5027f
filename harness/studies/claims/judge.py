"""A claim and the evidence -> its verdict. It follows from intervals, and only if no condition differs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.studies.claims.finding import ClaimFinding, Question
from harness.studies.claims.gather import Recorded
from harness.studies.claims.interval_verdict import Verdict
from harness.studies.claims.judges import abilities, after_training, contexts, rubric, speed_memory_loss, switches
from harness.studies.claims.metric_ranges import Quantity
from harness.studies.claims.registry import Claim, Part


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """Judges one kind of quantity."""

    findings: Callable[[Question, Recorded], Iterable[ClaimFinding]]
    why_none: Callable[[Question], str]
    """Says why there is no finding."""


JUDGES: dict[Quantity, Judge] = {
    "speed ratio": Judge(findings=speed_memory_loss.ratios, why_none=speed_memory_loss.why_none),
    "memory ratio": Judge(findings=speed_memory_loss.ratios, why_none=speed_memory_loss.why_none),
    "tokens per second": Judge(findings=speed_memory_loss.absolutes, why_none=speed_memory_loss.why_none),
    "peak memory": Judge(findings=speed_memory_loss.absolutes, why_none=speed_memory_loss.why_none),
    "same loss": Judge(findings=speed_memory_loss.losses, why_none=speed_memory_loss.why_none),
    "context": Judge(findings=contexts.lengths, why_none=contexts.why_none),
    "context ratio": Judge(findings=contexts.ratios, why_none=contexts.why_none),
    "capability": Judge(findings=abilities.attempts, why_none=abilities.why_none),
    "export": Judge(findings=after_training.exports, why_none=after_training.why_none),
    "board": Judge(findings=after_training.on_boards, why_none=after_training.why_none),
    "stars": Judge(findings=rubric.stars, why_none=rubric.why_none),
    "order": Judge(findings=rubric.orders, why_none=rubric.why_none),
    "words": Judge(findings=lambda *_: (), why_none=lambda _: "it states no figure that could be measured"),
}
SWITCHES = Judge(findings=switches.gains, why_none=switches.why_none)
"""For a part about one framework with and without a setting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """A claim's verdict with its evidence."""

    claim: Claim
    verdict: Verdict
    findings: tuple[ClaimFinding, ...]
    unjudged: tuple[tuple[Part, str], ...]
    """Parts without any evidence, with the reason."""


def judge(claim: Claim, recorded: Recorded) -> Judgement:
    """Judge a claim by everything that was recorded."""
    findings: list[ClaimFinding] = []
    unjudged: list[tuple[Part, str]] = []
    for part in claim.parts:
        question = Question(claim=claim, part=part)
        chosen = JUDGES[question.quantity] if question.setting is None else SWITCHES
        found = tuple(chosen.findings(question, recorded))
        findings += found
        if not found:
            unjudged.append((part, chosen.why_none(question)))
    return Judgement(
        claim=claim,
        verdict=_together(claim, findings, unjudged),
        findings=tuple(findings),
        unjudged=tuple(unjudged),
    )


def _together(claim: Claim, findings: Sequence[ClaimFinding], unjudged: Sequence[object]) -> Verdict:
    """Return one verdict over all parts, sections and machines; if they disagree it is partly."""
    judged = {finding.verdict for finding in findings if finding.verdict != "not comparable"}
    if not judged:
        return "not comparable" if findings else "not measured"
    open_parts = bool(unjudged) or any(
        all(finding.verdict == "not comparable" for finding in findings if finding.part is part) for part in claim.parts
    )
    if "confirmed" in judged:
        return "partly" if len(judged) > 1 or open_parts else "confirmed"
    if judged == {"refuted"}:
        # A claim with a refuted part is refuted, whatever the other parts turn out to be.
        return "refuted"
    return "inconclusive"
