"""A claim and the evidence -> its verdict, which follows from intervals, and only where no condition differs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.analysis.statistics import LEAST_FOR_A_VERDICT, Estimate, Rounds, median_estimate, ratio_estimate
from harness.audit.verdict import PROVEN
from harness.job.capabilities import Ending, title_of
from harness.records.probes import ProbeRecord
from harness.studies.claims.evidence import Circumstances, Evidence, LongestContext
from harness.studies.claims.gather import Recorded
from harness.studies.claims.interval_verdict import Verdict, repeats_to_settle, verdict_of
from harness.studies.claims.measured_under import mismatches
from harness.studies.claims.metrics import ABSOLUTES, MEANINGS, OF_PROCESSES, OF_SEARCHES, Quantity
from harness.studies.claims.ratings import RatedRun
from harness.studies.claims.registry import Claim, Conditions, Part, Switch

ATTEMPTS: dict[Ending, Verdict] = {
    "works": "confirmed",
    "absent": "refuted",
    "fails": "inconclusive",
    "listed": "inconclusive",
    "needs a GPU": "not comparable",
}
"""What the ending of an attempt says of a claim that the framework can do it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimFinding:
    """What one section of one run says of one part of a claim."""

    verdict: Verdict
    part: Part
    run: str
    machine: str
    section: str
    """The method and track; of a capability, its name."""
    measured: Estimate | None
    """Of the quantity that the part's metric is about; None for what is no number."""
    seen: str = ""
    """What was seen, where it is no number."""
    mismatches: tuple[str, ...] = ()
    repeats_to_settle: int | None = None
    """How many processes a side would settle it, if the figure stays; None if that is not the question."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """A claim's verdict with all that it follows from."""

    claim: Claim
    verdict: Verdict
    findings: tuple[ClaimFinding, ...]
    unjudged: tuple[tuple[Part, str], ...]
    """Parts that nothing recorded speaks of, with the reason."""


def judge(claim: Claim, recorded: Recorded) -> Judgement:
    """Hold a claim against everything that was recorded."""
    findings: list[ClaimFinding] = []
    unjudged: list[tuple[Part, str]] = []
    for part in claim.parts:
        found = tuple(_findings(claim, part, recorded))
        findings += found
        if not found:
            unjudged.append((part, _why_unjudged(claim, part)))
    return Judgement(
        claim=claim,
        verdict=_together(claim, findings, unjudged),
        findings=tuple(findings),
        unjudged=tuple(unjudged),
    )


def _findings(claim: Claim, part: Part, recorded: Recorded) -> Iterable[ClaimFinding]:
    quantity = MEANINGS[part.metric].quantity
    subject, baseline = part.subject or claim.subject, part.baseline or claim.baseline
    conditions = claim.conditions_of(part)
    if (setting := claim.setting_of(part)) is not None:
        own_rows = [row for row in recorded.rows if row.under.framework == subject]
        yield from _of_setting(part, setting, conditions, own_rows)
        return
    if quantity in OF_SEARCHES:
        yield from _of_contexts(part, subject, baseline, conditions, recorded.contexts)
        return
    if quantity == "capability":
        yield from _of_attempts(part, subject, recorded.attempts)
        return
    if quantity == "stars":
        yield from _of_stars(part, subject, conditions, recorded.rated)
    if quantity == "order":
        yield from _of_orders(part, subject, conditions, recorded.rated)
    if quantity not in OF_PROCESSES:
        return
    for own in (row for row in recorded.rows if row.under.framework == subject):
        if quantity == "same loss":
            yield from _of_losses(part, own, conditions)
            continue
        if quantity in ABSOLUTES:
            figure = median_estimate([*_figures(own, quantity).values()])
            yield _judged(part, own, (own,), figure, mismatches(conditions, own.under))
            continue
        for other in recorded.rows:
            if other.under.framework == baseline and _comparable(own, other):
                ratio = ratio_estimate(_figures(own, quantity), _figures(other, quantity))
                if ratio is not None:
                    yield _judged(part, own, (own, other), ratio, _differing(conditions, own, other))


def _of_setting(
    part: Part, setting: Switch, conditions: Conditions, rows: Sequence[Evidence]
) -> Iterable[ClaimFinding]:
    """One framework with and without something, in one run. The conditions are those of the side that has it."""
    quantity = MEANINGS[part.metric].quantity
    for own in rows:
        for other in rows:
            if _is_without(setting, own.under, other.under):
                ratio = ratio_estimate(_figures(own, quantity), _figures(other, quantity))
                if ratio is not None:
                    yield _judged(part, own, (own, other), ratio, mismatches(conditions, own.under))


def _is_without(setting: Switch, own: Circumstances, other: Circumstances) -> bool:
    """Whether one side has the setting and the other differs in nothing else."""
    if (own.run, own.machine, own.version, other.track) != (other.run, other.machine, other.version, "parity"):
        return False
    if setting.instead_of is not None:
        by_the_other = dataclasses.replace(own.job, method=setting.instead_of)
        return own.track == "parity" and by_the_other == other.job != own.job
    if not setting.turns or own.tuning is None:
        return False
    return own.tuning.native == setting.native and own.job == dataclasses.replace(other.job, **setting.knobs)


def _of_losses(part: Part, own: Evidence, conditions: Conditions) -> Iterable[ClaimFinding]:
    if own.same_loss is not None:
        differing = mismatches(conditions, own.under)
        verdict: Verdict = "not comparable" if differing else "confirmed" if own.same_loss else "refuted"
        seen = f"largest relative difference from a plain PyTorch loop at any step: {own.loss_seen}"
        yield ClaimFinding(
            verdict=verdict,
            part=part,
            run=own.under.run,
            machine=own.under.machine,
            section=own.section,
            measured=None,
            seen=seen,
            mismatches=differing,
        )


def _of_attempts(part: Part, subject: str, attempts: Sequence[ProbeRecord]) -> Iterable[ClaimFinding]:
    """What works confirms, what is absent refutes. What fails, or is only listed, is no proof of either."""
    for one in attempts:
        if one.framework == subject and one.capability in part.what:
            yield ClaimFinding(
                verdict=ATTEMPTS[one.ending],
                part=part,
                run=one.run,
                machine="CPU" if one.device == "cpu" else "GPU",
                section=title_of(one.capability),
                measured=None,
                seen=f"{one.ending}: {one.evidence}",
                mismatches=("device: a CPU, not a GPU",) if one.ending == "needs a GPU" else (),
            )


def _of_stars(part: Part, subject: str, conditions: Conditions, runs: Sequence[RatedRun]) -> Iterable[ClaimFinding]:
    """By the rule of recipes/rubric.yaml: what a claim calls five stars is five by that rule, or is not."""
    for run in (run for run in runs if subject in run.under):
        for one in run.ratings:
            if (one.framework, one.criterion) == (subject, part.what[0]) and one.stars is not None:
                stars = Estimate(value=one.stars, low=one.stars, high=one.stars, n=1)
                under = run.under[subject]
                section = f"{subject}, {one.criterion.replace('_', ' ')}"
                yield _finding(part, under, section, stars, mismatches(conditions, under))


def _of_orders(part: Part, subject: str, conditions: Conditions, runs: Sequence[RatedRun]) -> Iterable[ClaimFinding]:
    for run in runs:
        order = [name for name, _ in run.recommendation.order]
        if order and subject in run.under:
            differing = mismatches(conditions, run.under[subject])
            holds = tuple(order[: len(part.what)]) == part.what
            yield ClaimFinding(
                verdict="not comparable" if differing else "confirmed" if holds else "refuted",
                part=part,
                run=run.under[subject].run,
                machine=run.under[subject].machine,
                section=run.recommendation.profile,
                measured=None,
                seen=f"by the rubric: {', then '.join(order)}",
                mismatches=differing,
            )


def _comparable(one: Evidence, other: Evidence) -> bool:
    """Whether two rows may stand in one ratio."""
    return (one.under.run, one.section, one.conditions) == (other.under.run, other.section, other.conditions)


def _figures(row: Evidence, quantity: Quantity) -> Rounds:
    return row.tokens_per_second if quantity in ("speed ratio", "tokens per second") else row.peak_memory_bytes


def _differing(conditions: Conditions, own: Evidence, other: Evidence) -> list[str]:
    """What differs from the claim's conditions on either side, the second one's named as such."""
    differing = list(mismatches(conditions, own.under))
    theirs = [text for text in mismatches(conditions, other.under) if text not in differing]
    return [*differing, *(f"{other.under.framework}: {text}" for text in theirs)]


def _judged(
    part: Part, own: Evidence, sides: Sequence[Evidence], measured: Estimate, mismatched: Sequence[str]
) -> ClaimFinding:
    differing = list(mismatched)
    for side in sides:
        if side.same_job not in PROVEN:
            words = "not audited" if side.same_job == "not audited" else "not the same"
            differing.append(f"{side.under.framework}'s job: {words}")
    finding = _finding(part, own.under, own.section, measured, differing)
    if measured.n < LEAST_FOR_A_VERDICT and not differing:
        return dataclasses.replace(finding, verdict="inconclusive", repeats_to_settle=LEAST_FOR_A_VERDICT)
    return finding


def _finding(
    part: Part, under: Circumstances, section: str, measured: Estimate, differing: Sequence[str]
) -> ClaimFinding:
    verdict: Verdict = "not comparable" if differing else verdict_of(measured, part.bounds)
    more_would_help = verdict == "inconclusive" and MEANINGS[part.metric].quantity in OF_PROCESSES
    return ClaimFinding(
        verdict=verdict,
        part=part,
        run=under.run,
        machine=under.machine,
        section=section,
        measured=measured,
        mismatches=tuple(differing),
        repeats_to_settle=repeats_to_settle(measured, part.bounds) if more_would_help else None,
    )


def _of_contexts(
    part: Part, subject: str, baseline: str | None, conditions: Conditions, contexts: Sequence[LongestContext]
) -> Iterable[ClaimFinding]:
    """A search has no chance in it, but a resolution: the true limit lies between what trained and what did not."""
    for own in (one for one in contexts if one.under.framework == subject):
        differing = mismatches(conditions, own.under, sought="sequence_length")
        section = f"{own.under.job.method}, {own.under.track}"
        if MEANINGS[part.metric].quantity == "context":
            yield _finding(part, own.under, section, _limit(own), differing)
            continue
        for other in contexts:
            same = (other.under.run, other.under.machine, other.under.memory_bytes, other.under.track, other.under.job)
            if other.under.framework == baseline and other.tokens and same == _identity(own):
                low = own.tokens / (other.too_long or other.tokens)
                high = (own.too_long or own.tokens) / other.tokens
                ratio = Estimate(value=own.tokens / other.tokens, low=low, high=high, n=1)
                yield _finding(part, own.under, section, ratio, differing)


def _identity(one: LongestContext) -> tuple[object, ...]:
    return (one.under.run, one.under.machine, one.under.memory_bytes, one.under.track, one.under.job)


def _limit(one: LongestContext) -> Estimate:
    high = math.inf if one.too_long is None else one.too_long
    return Estimate(value=one.tokens, low=one.tokens, high=high, n=1)


def _why_unjudged(claim: Claim, part: Part) -> str:
    if (setting := claim.setting_of(part)) is not None:
        return f"no run has {part.subject or claim.subject} with and without this: {setting.what}"
    quantity = MEANINGS[part.metric].quantity
    if quantity == "capability":
        return f"nothing recorded says whether {part.subject or claim.subject} can: {', '.join(part.what)}"
    if quantity == "words":
        return "it states no figure that could be measured"
    if quantity in ("stars", "order"):
        return f"no run was rated in this: {', '.join(part.what).replace('_', ' ')}"
    own, other = part.subject or claim.subject, part.baseline or claim.baseline
    if quantity in OF_SEARCHES:
        return f"no search for the longest sequence of {own} is recorded"
    return f"no run has figures of {own}" + (f" and {other} side by side" if other and other != own else "")


def _together(claim: Claim, findings: Sequence[ClaimFinding], unjudged: Sequence[object]) -> Verdict:
    """One verdict of all parts, sections and machines: what differs between them makes it partly."""
    judged = {one.verdict for one in findings if one.verdict != "not comparable"}
    if not judged:
        return "not comparable" if findings else "not measured"
    open_parts = bool(unjudged) or any(
        all(one.verdict == "not comparable" for one in findings if one.part is part) for part in claim.parts
    )
    if "confirmed" in judged:
        return "partly" if len(judged) > 1 or open_parts else "confirmed"
    if judged == {"refuted"}:
        # A claim with a part that is refuted is refuted, whatever the others turn out to be.
        return "refuted"
    return "inconclusive"
