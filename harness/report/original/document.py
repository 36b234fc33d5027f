"""Recorded runs -> the old report written anew: what each statement became, in its order of sections."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.records.checked_run import CheckedRun
from harness.report.content.answer import answer
from harness.report.content.cells import Cell
from harness.report.content.stars import legend, matrix_headings, matrix_rows
from harness.report.content.titles import framework_title
from harness.report.original.best_ratings import RatedCriterion, best_ratings
from harness.report.original.frameworks import framework_blocks
from harness.report.original.stack import recommendation_blocks, stack_blocks
from harness.report.original.statements import statements
from harness.report.parts.blocks import Block, Bullets, Paragraph, Report, Section, Table
from harness.report.parts.recorded import ReportedRun, recorded
from harness.studies.claims.judge import Judgement
from harness.studies.claims.verify import judgements
from harness.studies.rubric.facts import RATED
from harness.studies.rubric.rules import Rubric, read_rubric
from harness.text.language import Language

TITLE = "Unsloth, Axolotl, torchtune and LLaMA-Factory, measured again"
ABOUT = (
    "A comparison report, regenerated: its nine sections in our own words, each statement with its verdict and figure."
)
THE_REPORT = "the report"
"""How the sources of its own statements begin in the registry."""
MATRIX, RECOMMENDATION, STACK, SOURCES, CONCLUSION = (
    "Comparison matrix",
    "Recommendation for Qwen3-0.6B on FineWeb-Edu",
    "From training to a Raspberry Pi",
    "Sources",
    "Conclusion",
)


def original_report(runs: Sequence[CheckedRun], language: Language) -> Report:
    """Return the document over runs, one for each kind of machine."""
    reported = [recorded(run, drawn=False, number=index) for index, run in enumerate(runs, start=1)]
    judged = {one.claim.id: one for one in judgements(runs)}
    rubric = read_rubric()
    rated = best_ratings(rubric, reported)
    sections: dict[str, Iterator[Block]] = {
        framework_title(name): framework_blocks(name, reported, judged, language) for name in RATED
    }
    sections[language.say(MATRIX)] = _matrix(rubric, rated, judged, language)
    sections[language.say(RECOMMENDATION)] = recommendation_blocks(rubric, rated, judged, language)
    sections[language.say(STACK)] = stack_blocks(reported, judged, language)
    sections[language.say(SOURCES)] = _sources(judged.values(), reported, language)
    sections[language.say(CONCLUSION)] = _conclusion(reported, language)
    numbered = enumerate(sections.items(), start=1)
    return Report(
        title=language.say(TITLE),
        about=language.say(ABOUT),
        answers=(),
        sections=[Section(title=f"{number}. {title}", blocks=tuple(blocks)) for number, (title, blocks) in numbered],
    )


def _matrix(
    rubric: Rubric, rated: Sequence[RatedCriterion], judged: Mapping[str, Judgement], language: Language
) -> Iterator[Block]:
    """Yield the stars, each by the run with the most evidence for its criterion, and which run that is."""
    ratings = [rating for criterion in rated for rating in criterion.ratings]
    rows = [
        tuple(_in_report(cell, criterion.run) for cell in row)
        for row, criterion in zip(matrix_rows(rubric, ratings, language), rated, strict=True)
    ]
    yield Table(headings=matrix_headings(language), rows=rows, is_compact=True)
    yield Paragraph(text=legend(rubric, ratings, language))
    yield Bullets(
        items=[
            language.say(
                "{criterion}: by {run}, on {machine}",
                criterion=language.say(rubric.criteria[one.criterion].title),
                run=one.run.name,
                machine=one.run.machine,
            )
            for one in rated
        ]
    )
    yield statements([judged["R5"]], language)


def _in_report(cell: str | Cell, run: ReportedRun) -> str | Cell:
    """Return a cell whose link leads to its evidence in the run's own report."""
    if isinstance(cell, str) or not cell.to:
        return cell
    return dataclasses.replace(cell, to=f"{run.name}.md#{cell.to}")


def _sources(judged: Iterable[Judgement], runs: Sequence[ReportedRun], language: Language) -> Iterator[Block]:
    """Yield the runs that were measured, and where every published claim that was checked is from."""
    proof = "Measured in these runs. Each report has the proof, the conditions and every figure:"
    yield Paragraph(text=language.say(proof))
    yield Table(
        headings=tuple(map(language.say, ("run", "machine", "recorded"))),
        rows=[
            (Cell(text=run.name, to=f"{run.name}.md"), run.machine, run.record.created.partition("T")[0])
            for run in runs
        ],
    )
    yield Paragraph(text=language.say("Published claims that these runs were held against:"))
    places = dict.fromkeys(
        (language.say(THE_REPORT), language.say(one.claim.source.date))
        if one.claim.source.where.startswith(THE_REPORT)
        else (one.claim.source.where, one.claim.source.date)
        for one in judged
    )
    yield Bullets(items=[f"{where}, {date}" for where, date in places])


def _conclusion(runs: Sequence[ReportedRun], language: Language) -> Iterator[Block]:
    """Yield the answer of each run."""
    for run in runs:
        found = answer(run.rows, run.cells, run.record, len(run.cautions), language)
        yield Paragraph(text=language.say("On {machine}:", machine=run.machine))
        trust = "".join(piece.text for piece in found.trust)
        yield Bullets(items=[*found.sentences, trust])
