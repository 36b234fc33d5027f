"""Conclusions from the figures: claims, stars, capabilities, limits of size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.records.checked_run import CheckedRun
from harness.records.deployments import Deployments
from harness.records.probes import ProbeRecord
from harness.records.searches import SearchRecord
from harness.report.content import capabilities, capacity, deployment, gguf_files, stars
from harness.report.parts import claims
from harness.report.parts.blocks import Block, Bullets, Code, Folded, Paragraph, Subheading, Table
from harness.report.parts.recorded import ReportedRun
from harness.studies.claims.verify import judgements
from harness.studies.deploy.board import boards
from harness.studies.rubric.facts import gather_facts
from harness.studies.rubric.prices import Price
from harness.studies.rubric.projection import project
from harness.studies.rubric.rating import Rating, rate
from harness.studies.rubric.recommend import recommend
from harness.studies.rubric.rules import Rubric
from harness.text.language import ENGLISH, Language


def published_claims(runs: Sequence[ReportedRun]) -> Iterator[Block]:
    """Yield the registry's claims, checked against all runs of the report."""
    against = "this run" if len(runs) == 1 else "these runs"
    yield Paragraph(text=f"What is published about these frameworks, checked against {against} alone.", see="claims")
    yield from claims.blocks(judgements([run.checked for run in runs]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Rated:
    """A run's ratings by the rubric, and what follows from them."""

    run: CheckedRun
    rubric: Rubric
    ratings: Sequence[Rating]


def rated(run: CheckedRun, rubric: Rubric) -> Rated:
    """Rate a run."""
    return Rated(run=run, rubric=rubric, ratings=rate(rubric, gather_facts(run)))


def star_matrix(found: Rated, language: Language = ENGLISH) -> Iterator[Block]:
    """Yield the matrix of stars. Its cells lead to `star_evidence`."""
    rows = stars.matrix_rows(found.rubric, found.ratings, language)
    yield Table(headings=stars.matrix_headings(language), rows=rows, is_compact=True)
    yield Paragraph(text=stars.legend(found.rubric, found.ratings, language), see="rubric")


def recommendations(found: Rated, price: Price | None) -> Iterator[Block]:
    """Yield an order for each kind of user, and the projection of time and cost."""
    run = found.run
    orders = recommend(found.rubric, found.ratings)
    yield Paragraph(text=stars.old_recommendation(found.rubric, orders, run.record.host.device_name))
    yield Table(headings=stars.RECOMMENDATION_HEADINGS, rows=stars.recommendation_rows(found.rubric, orders))
    if projected := project(run.cells, "qlora", price):
        job = run.record.experiment.jobs["qlora"]
        yield Subheading(text="10 and 20 billion tokens by QLoRA")
        yield Paragraph(text=stars.projection_text(run.record, job, price))
        rows = stars.projection_rows(projected, run.record, job, price)
        yield Table(headings=stars.PROJECTION_HEADINGS, rows=rows)


def star_evidence(found: Rated) -> Iterator[Block]:
    """Yield the figures behind every rating."""
    yield Paragraph(text=stars.rule_text(found.rubric), see="rubric")
    rows = stars.evidence_rows(found.rubric, found.ratings)
    anchors = [stars.anchor_of_rating(rating) for rating in found.ratings]
    yield Table(headings=stars.EVIDENCE_HEADINGS, rows=rows, anchors=anchors)


def abilities(probes: Sequence[ProbeRecord]) -> Iterator[Block]:
    """Yield how each attempt of `probe` ended."""
    if probes:
        device = "a GPU" if probes[0].device == "cuda" else "a CPU"
        yield Paragraph(text=f"On {device}. {capabilities.EXPLANATION}", see="capabilities")
        yield Table(headings=capabilities.headings(probes), rows=capabilities.capability_rows(probes))
        details = Table(headings=capabilities.DETAIL_HEADINGS, rows=capabilities.detail_rows(probes))
        yield Folded(title="What showed each ending", blocks=(details,))


def sizes(searches: Sequence[SearchRecord]) -> Iterator[Block]:
    """Yield the longest sequences and the largest micro batches that train."""
    if searches:
        yield Paragraph(text=capacity.EXPLANATION)
        yield Table(headings=capacity.HEADINGS, rows=capacity.capacity_rows(searches))


def after_training(found: Deployments) -> Iterator[Block]:
    """Yield what became of each result after training: its export, its GGUF files, and what a small board could do."""
    if not found.results:
        return
    yield Paragraph(text=deployment.conclusion(found, boards()))
    yield Paragraph(text=deployment.explanation(found), see="deploy")
    yield Paragraph(text=deployment.losses_text(found))
    yield Subheading(text="Exports")
    yield Table(headings=deployment.EXPORT_HEADINGS, rows=deployment.export_rows(found))
    yield Bullets(items=list(deployment.remarks(found)))
    findings = Table(headings=deployment.FINDING_HEADINGS, rows=deployment.finding_rows(found))
    yield Folded(title="What was asked of each export", blocks=(findings,))
    if not (rows := gguf_files.format_rows(found)):
        return
    yield Subheading(text="GGUF files by llama.cpp")
    yield Table(headings=gguf_files.FORMAT_HEADINGS, rows=rows)
    files = Table(headings=gguf_files.FILE_HEADINGS, rows=gguf_files.file_rows(found))
    yield Folded(title="Every file", blocks=(files,))
    for board in boards():
        yield Subheading(text=board.name)
        yield Paragraph(text=gguf_files.board_text(found, board))
        yield Table(headings=gguf_files.board_headings(), rows=gguf_files.board_rows(found, board))
    if found.measured:
        yield Subheading(text="Measured on another machine")
        yield Table(headings=gguf_files.MEASURED_HEADINGS, rows=gguf_files.measured_rows(found))
    modelfile = next((record.modelfile for record in found.results if record.modelfile), "")
    if modelfile:
        yield Folded(title="Modelfile for Ollama", blocks=(Code(text=modelfile),))
