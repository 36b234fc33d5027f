"""The verdicts on claims, as tables of text and as blocks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from harness.report.content.cells import Cell
from harness.report.parts.blocks import Block, Bullets, Folded, Paragraph, Table
from harness.studies.claims.choices import command_for, why_unmeasurable
from harness.studies.claims.finding import ClaimFinding
from harness.studies.claims.interval_verdict import VERDICTS
from harness.studies.claims.judge import Judgement
from harness.studies.claims.metric_ranges import MEANINGS, OF_SEARCHES, RATIOS, Quantity
from harness.studies.claims.registry import Claim, Conditions, Part
from harness.text import units

HEADINGS = ("claim", "verdict", "what it says", "what was measured")
FINDING_HEADINGS = ("claim", "claimed", "on", "measured", "verdict", "why")
LONG = 120
"""Characters of a text that is cut to its first clause."""
FIRST_CLAUSE = re.compile(r".{20,}?(; |\. (?=[A-Z]))")
MOST_IN_WORDS = 8
"""For a claim with more findings than this, a row only counts them."""


def summary(judgements: Sequence[Judgement]) -> str:
    """Return one sentence: how many claims got which verdict."""
    counts = Counter(judgement.verdict for judgement in judgements)
    counts_text = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    return f"{len(judgements)} {'claim' if len(judgements) == 1 else 'claims'}: {counts_text}."


def claim_rows(judgements: Sequence[Judgement]) -> list[tuple[str | Cell, ...]]:
    """Return a row per claim, in the order of HEADINGS."""
    return [
        (judgement.claim.id, judgement.verdict, judgement.claim.statement, in_clauses(reason(judgement)))
        for judgement in judgements
    ]


def in_clauses(text: str) -> str | Cell:
    """Return a long text as its first clause, with the rest on demand."""
    end = FIRST_CLAUSE.match(text)
    if len(text) <= LONG or end is None:
        return text
    return Cell(text=end.group().rstrip("; "), more=text[end.end() :])


def finding_rows(judgements: Sequence[Judgement]) -> list[tuple[str, ...]]:
    """Return a row per part of a claim and finding, in the order of FINDING_HEADINGS."""
    rows = []
    for judgement in judgements:
        rows += [
            (judgement.claim.id, claimed(finding.part), *_finding_cells(finding)) for finding in judgement.findings
        ]
        rows += [
            (judgement.claim.id, claimed(part), units.NOTHING, units.NOTHING, "not measured", why)
            for part, why in judgement.unjudged
        ]
    return rows


def reason(judgement: Judgement) -> str:
    """Return why the verdict is what it is, and what would settle it."""
    judged = [finding for finding in judgement.findings if finding.verdict != "not comparable"]
    if judged:
        text = "; ".join(_in_words(finding) for finding in judged) if len(judged) <= MOST_IN_WORDS else _counted(judged)
        rest = [why for _, why in judgement.unjudged]
        return "; ".join([text, *dict.fromkeys(rest)])
    if judgement.findings:
        nearest = min(judgement.findings, key=lambda finding: len(finding.mismatches))
        but = ", ".join(nearest.mismatches)
        return f"nearest: {_figure(nearest)} ({nearest.section}); but {but}. {_how(judgement.claim)}"
    whys = "; ".join(dict.fromkeys(why for _, why in judgement.unjudged))
    return f"{whys}. {_how(judgement.claim)}"


def claimed(part: Part) -> str:
    """Return what a part claims, like "times_faster 2 to 5"."""
    if part.metric == "stars":
        stars = f"{part.at_least:g}" if part.at_least == part.at_most else f"at least {part.at_least or 0:g}"
        return " ".join(filter(None, [part.subject, part.what[0].replace("_", " "), stars, "stars"]))
    if part.what:
        return f"{part.metric}: {', '.join(part.what)}"
    if part.at_least is None and part.at_most is None:
        return part.metric
    if part.at_least is not None and part.at_most is not None:
        return f"{part.metric} {part.at_least:g} to {part.at_most:g}"
    return f"{part.metric} at {'most' if part.at_least is None else 'least'} {(part.at_least or part.at_most or 0):g}"


def conditions_text(claim: Claim) -> str:
    """Return which conditions the claim states, and which it does not."""
    shared = _stated(claim.conditions)
    by_part = [f"{claimed(part)}: {_stated(part.conditions)}" for part in claim.parts if part.conditions.given]
    given = "; ".join(filter(None, [shared, *by_part])) or "none"
    everywhere = {name for part in claim.parts for name in claim.conditions_of(part).given}
    missing = [name for name in claim.conditions.not_given if name not in everywhere]
    return f"Given: {given}. Not given: {', '.join(missing) or 'nothing'}."


def as_dict(judgement: Judgement) -> dict[str, Any]:
    """Return plain values for JSON."""
    claim = judgement.claim
    return {
        "id": claim.id,
        "verdict": judgement.verdict,
        "statement": claim.statement,
        "reason": reason(judgement),
        "command": command_for(claim),
        "source": claim.source.where,
        "date": claim.source.date,
        "doubts": claim.doubts,
        "conditions": conditions_text(claim),
        "findings": [_finding_dict(finding) for finding in judgement.findings],
        "unjudged": [{"claimed": claimed(part), "reason": why} for part, why in judgement.unjudged],
    }


def blocks(judgements: Sequence[Judgement]) -> list[Block]:
    """Yield how many claims have which verdict; folded below, the claims of each verdict and their evidence."""
    sources = [
        f"{judgement.claim.id}: {judgement.claim.source.where}, {judgement.claim.source.date}. "
        + " ".join(filter(None, [conditions_text(judgement.claim), judgement.claim.doubts]))
        for judgement in judgements
    ]
    by_verdict = {
        verdict: found
        for verdict in VERDICTS
        if (found := [judgement for judgement in judgements if judgement.verdict == verdict])
    }
    counts = [
        (verdict, str(len(found)), ", ".join(one.claim.id for one in found)) for verdict, found in by_verdict.items()
    ]
    figures = Table(headings=FINDING_HEADINGS, rows=finding_rows(judgements))
    return [
        Paragraph(text=summary(judgements)),
        Table(headings=("verdict", "claims", "which"), rows=counts),
        *(
            Folded(title=f"{verdict}: {len(found)}", blocks=(Table(headings=HEADINGS, rows=claim_rows(found)),))
            for verdict, found in by_verdict.items()
        ),
        Folded(title="Each claim: its source, its conditions, what is doubtful", blocks=(Bullets(items=sources),)),
        Folded(title="Each figure that was compared with a claim", blocks=(figures,)),
    ]


def _finding_dict(finding: ClaimFinding) -> dict[str, Any]:
    estimate = finding.measured
    return {
        "claimed": claimed(finding.part),
        "quantity": MEANINGS[finding.part.metric].quantity,
        "run": finding.run,
        "machine": finding.machine,
        "section": finding.section,
        "verdict": finding.verdict,
        "value": None if estimate is None else estimate.value,
        "low": None if estimate is None else estimate.low,
        # JSON has no infinity.
        "high": None if estimate is None or estimate.high == float("inf") else estimate.high,
        "n": None if estimate is None else estimate.n,
        "seen": finding.seen,
        "mismatches": list(finding.mismatches),
        "repeats_to_settle": finding.repeats_to_settle,
    }


def _finding_cells(finding: ClaimFinding) -> tuple[str, ...]:
    where = f"{finding.section}, {finding.machine}, {finding.run}"
    return (
        where,
        _figure(finding),
        finding.verdict,
        ", ".join(finding.mismatches) or _settling(finding) or units.NOTHING,
    )


def _counted(findings: Sequence[ClaimFinding]) -> str:
    counts = Counter(finding.verdict for finding in findings)
    return ", ".join(f"{counts[verdict]} parts {verdict}" for verdict in VERDICTS if counts[verdict])


def _in_words(finding: ClaimFinding) -> str:
    text = f"{finding.verdict} on {finding.machine} ({finding.section}): {_figure(finding)}"
    return ", ".join(filter(None, [text, _settling(finding)]))


def _settling(finding: ClaimFinding) -> str:
    if finding.verdict != "inconclusive":
        return ""
    if MEANINGS[finding.part.metric].quantity in OF_SEARCHES:
        return "the limit lies somewhere between what trained and what did not"
    if finding.measured is None:
        return ""
    if finding.measured.n < 2 and finding.measured.low is None:
        return "one process gives no interval: at least 5 repeats"
    if finding.repeats_to_settle is None:
        return "no number of repeats up to 1,000 would settle it if the figure stays"
    return f"about {finding.repeats_to_settle} repeats would settle it if the figure stays"


def _figure(finding: ClaimFinding) -> str:
    estimate = finding.measured
    if estimate is None:
        return finding.seen
    quantity = MEANINGS[finding.part.metric].quantity
    if quantity == "stars":
        return f"{estimate.value:g} {'star' if estimate.value == 1 else 'stars'}"
    named = f"{quantity} " if quantity in RATIOS else ""
    interval = ""
    if estimate.low is not None and estimate.high is not None:
        interval = f" ({_shown(estimate.low, quantity)} to {_shown(estimate.high, quantity)})"
    count = "" if quantity in OF_SEARCHES else f", n = {estimate.n}"
    return f"{named}{_shown(estimate.value, quantity)}{interval}{count}"


def _shown(value: float, quantity: Quantity) -> str:
    if value == float("inf"):
        return "more"
    if quantity in RATIOS:
        return units.ratio(value)
    if quantity == "peak memory":
        return units.gibibytes(value)
    return f"{units.rate(value)} tokens/s" if quantity == "tokens per second" else f"{value:,.0f} tokens"


def _how(claim: Claim) -> str:
    command = command_for(claim)
    if command is None:
        return f"No command measures it: {why_unmeasurable(claim)}."
    gpus = {conditions.gpu for conditions in map(claim.conditions_of, claim.parts) if conditions.gpu}
    on = f" on {' and '.join(sorted(gpus))}" if gpus else " on a GPU" if claim.conditions.device == "cuda" else ""
    return f"To measure it{on}: {command}"


def _stated(conditions: Conditions) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in conditions.given.items())


def _value(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name} {version}" for name, version in value.items())
    return ", ".join(value) if isinstance(value, tuple) else str(value)
