"""The old report's statements as rows: what it says, the verdict, what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from harness.report.content.titles import framework_title, method_title
from harness.report.parts.blocks import Table
from harness.studies.claims.finding import ClaimFinding
from harness.studies.claims.interval_verdict import VERDICTS
from harness.studies.claims.judge import Judgement
from harness.studies.claims.measured_under import JOB_KNOBS
from harness.studies.claims.metric_ranges import MEANINGS, RATIOS
from harness.text import units
from harness.text.language import Language

MOST_FIGURES = 3
"""Figures of one statement that are shown. The run's own report has all."""
MOST_IN_WORDS = 8
"""Figures of a statement with more are counted."""
WITH_INTERVAL = "{figure} (95%: {low} to {high}, n = {n})"


def statements(judgements: Iterable[Judgement], language: Language) -> Table:
    """Return a row per statement."""
    headings = ("what the report said", "verdict", "what was measured")
    rows = [
        (language.say(one.claim.statement), language.say(one.verdict), measured(one, language)) for one in judgements
    ]
    return Table(headings=tuple(map(language.say, headings)), rows=rows)


def measured(judgement: Judgement, language: Language) -> str:
    """Return what was measured of a statement; if its conditions were not met, which."""
    judged = [finding for finding in judgement.findings if finding.verdict != "not comparable"]
    if judged:
        figures = [finding for finding in judged if finding.measured is not None and _has_figure(finding)]
        if figures and len(figures) == len(judged) <= MOST_IN_WORDS:
            shown = [_figure(finding, language) for finding in figures[:MOST_FIGURES]]
            more = len(figures) - len(shown)
            return "; ".join([*shown, *([language.say("{count} more", count=str(more))] if more else [])])
        return _counted(judged, language)
    if judgement.findings:
        nearest = min(judgement.findings, key=lambda finding: len(finding.mismatches))
        conditions = language.listed([_condition(text, language) for text in nearest.mismatches])
        return language.say("measured under other conditions: {conditions}", conditions=conditions)
    return language.say("no run has measured it")


def _has_figure(finding: ClaimFinding) -> bool:
    return MEANINGS[finding.part.metric].quantity in {*RATIOS, "stars", "tokens per second", "peak memory"}


def _figure(finding: ClaimFinding, language: Language) -> str:
    """Return a figure with its interval, its method and its machine."""
    estimate, quantity = finding.measured, MEANINGS[finding.part.metric].quantity
    assert estimate is not None
    where = f"{method_title(finding.section, language)}, {finding.machine}" if quantity != "stars" else finding.machine

    def shown(value: float) -> str:
        if quantity in RATIOS:
            return f"{value:.2f}"
        if quantity == "peak memory":
            return units.gibibytes(value)
        return f"{value:g}" if quantity == "stars" else f"{units.three(value)} tokens/s"

    figure = shown(estimate.value)
    if quantity in RATIOS:
        figure = language.say("{figure} times", figure=figure)
    elif quantity == "stars":
        return f"{framework_title(finding.part.subject or '')} {figure}".strip()
    if estimate.low is None or estimate.high is None:
        return f"{figure}, {where}"
    interval = {"low": shown(estimate.low), "high": shown(estimate.high), "n": str(estimate.n)}
    return f"{language.say(WITH_INTERVAL, figure=figure, **interval)}, {where}"


def _counted(findings: Sequence[ClaimFinding], language: Language) -> str:
    """Return how many parts of a statement have which verdict; of a single part the verdict says it all."""
    if len(findings) == 1:
        quantity = MEANINGS[findings[0].part.metric].quantity
        return language.say("see the order below" if quantity == "order" else "tried in these runs")
    counts = Counter(finding.verdict for finding in findings)
    return ", ".join(
        language.say("{count} of its parts {verdict}", count=str(counts[verdict]), verdict=language.say(verdict))
        for verdict in VERDICTS
        if counts[verdict]
    )


def _condition(mismatch: str, language: Language) -> str:
    """Return the name of a condition that was not met. A knob of the job keeps its name."""
    name = mismatch.partition(":")[0]
    return name if name in JOB_KNOBS else language.say(name)
