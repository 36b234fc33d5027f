"""Judge what becomes of a result after training: is it easy to export, does it fit a small board, does it run there?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.job.job import Job
from harness.records.deployments import DeploymentRecord, GgufRecord
from harness.studies.claims.finding import ClaimFinding, Question
from harness.studies.claims.gather import Deployed, Recorded
from harness.studies.claims.interval_verdict import Verdict
from harness.studies.claims.named_models import model_of
from harness.studies.deploy.board import boards, fits
from harness.studies.deploy.ease import Ease, ease_of
from harness.text import units

VERDICTS: dict[Ease, Verdict] = {
    "as trained": "confirmed",
    "with a workaround": "inconclusive",
    "not as trained": "refuted",
    "failed": "inconclusive",
}
"""A failure may be this machine's or this lock's: it refutes nothing."""


def exports(question: Question, recorded: Recorded) -> Iterable[ClaimFinding]:
    """Yield a finding per export of a method that the claim names."""
    for deployed, record in _results(question, recorded):
        if record.method in question.part.what:
            ease = ease_of(record)
            export = record.export
            why = (
                record.stopped
                if export is None
                else "; ".join((*(f.subject for f in export.faults), *export.workarounds))
            )
            seen = f"{record.method}: {ease}" + (f" ({why})" if why else "")
            yield _finding(question, deployed, record, VERDICTS[ease], seen)


def on_boards(question: Question, recorded: Recorded) -> Iterable[ClaimFinding]:
    """Yield a finding per file of a format that the claim names: on memory, or on a run on the board itself."""
    judged = _fitting if question.part.metric == "fits_on_board" else _running
    for deployed, record in _results(question, recorded):
        for file in record.files:
            if file.quantization in question.part.what:
                yield from judged(question, deployed, record, file)


def why_none(question: Question) -> str:
    """Say that no result was taken so far."""
    what = ", ".join(question.part.what)
    if question.part.metric == "easy_to_export":
        return f"no result of {question.subject} by {what} was exported"
    if question.part.metric == "runs_on_board":
        return f"{question.subject}'s {what} was not run on {', '.join(board.names_itself for board in boards())}"
    return f"no result of {question.subject} was converted to {what}"


def _fitting(
    question: Question, deployed: Deployed, record: DeploymentRecord, file: GgufRecord
) -> Iterator[ClaimFinding]:
    for board in boards():
        answers = {size: fits(file, size, board) for size in sorted(file.context_rss_bytes)}
        if answers:
            smallest, largest = min(answers), max(answers)
            held = f"{units.gibibytes(file.context_rss_bytes[largest])} with a context of {largest:,}"
            seen = f"{file.quantization} took {held}, of {units.budget(board.memory_bytes)} on {board.name}"
            verdict: Verdict = "confirmed" if answers[largest] else "partly" if answers[smallest] else "refuted"
            yield _finding(question, deployed, record, verdict, seen)


def _running(
    question: Question, deployed: Deployed, record: DeploymentRecord, file: GgufRecord
) -> Iterator[ClaimFinding]:
    names = tuple(board.names_itself for board in boards())
    for measured in deployed.found.measured:
        if measured.sha256 == file.sha256 and measured.board.startswith(names):
            rate = sorted(measured.generation_tokens_per_second)[len(measured.generation_tokens_per_second) // 2]
            seen = f"{file.quantization} ran on {measured.board} at {units.rate(rate)} tokens/s"
            yield _finding(question, deployed, record, "confirmed", seen)


def _results(question: Question, recorded: Recorded) -> Iterator[tuple[Deployed, DeploymentRecord]]:
    for deployed in recorded.deployed:
        for record in deployed.found.results:
            if record.framework == question.subject:
                yield deployed, record


def _finding(
    question: Question, deployed: Deployed, record: DeploymentRecord, verdict: Verdict, seen: str
) -> ClaimFinding:
    job, stated = Job.from_dict(record.job), question.conditions
    differing = [
        f"{name}: {has}, not {asked}"
        for name, has, asked in (("model", model_of(job), stated.model), ("method", record.method, stated.method))
        if asked not in (None, has)
    ]
    return ClaimFinding(
        verdict="not comparable" if differing else verdict,
        part=question.part,
        run=deployed.run,
        machine=deployed.found.host,
        section=record.title,
        measured=None,
        seen=seen,
        mismatches=tuple(differing),
    )
