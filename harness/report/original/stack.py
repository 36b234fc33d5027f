"""Sections 6 and 7: what to take for Qwen3-0.6B on FineWeb-Edu, and the way from training to a Raspberry Pi."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from harness.records.deployments import Deployments
from harness.report.content.gguf_files import generation, same_formats
from harness.report.content.titles import framework_title
from harness.report.original.best_ratings import RatedCriterion
from harness.report.original.statements import statements
from harness.report.parts.blocks import Block, Bullets, Paragraph, Subheading, Table
from harness.report.parts.recorded import ReportedRun
from harness.studies.claims.judge import Judgement
from harness.studies.deploy.board import Board, boards, fits, projected
from harness.studies.deploy.ease import ease_of
from harness.studies.rubric.recommend import recommend
from harness.studies.rubric.rules import Rubric
from harness.text import units
from harness.text.language import Language

FORMAT_HEADINGS = ("format", "file, MB", "tokens/s here", "fits {board}", "projected tokens/s there")


def recommendation_blocks(
    rubric: Rubric, rated: Sequence[RatedCriterion], judged: Mapping[str, Judgement], language: Language
) -> Iterator[Block]:
    """Yield the order that follows for each kind of user, and the old report's recommendation."""
    say = language.say
    yield statements([judged["R6"], judged["R6.2"]], language)
    ratings = [rating for criterion in rated for rating in criterion.ratings]
    rows = []
    for found in recommend(rubric, ratings):
        order = [f"{framework_title(name)} {score:.2f}" for name, score in found.order]
        left_out = [say(rubric.criteria[name].title) for name in found.unmeasured]
        rows.append((say(found.profile), ", ".join(order) or units.NOTHING, ", ".join(left_out) or units.NOTHING))
    yield Paragraph(text=say("By the same rule as the stars, with the weights of each kind of user:"))
    yield Table(headings=tuple(map(say, ("for", "order, with scores", "left out, as not measured"))), rows=rows)


def stack_blocks(runs: Sequence[ReportedRun], judged: Mapping[str, Judgement], language: Language) -> Iterator[Block]:
    """Yield each step of the stack with what was measured of it."""
    say = language.say
    yield statements([judged["R7"], judged["R7.2"]], language)
    found = next((run.checked.deployments for run in runs if run.checked.deployments.results), None)
    if found is None:
        yield Paragraph(text=say("No run followed a result after training; harness deploy does."))
        return
    yield Subheading(text=say("Export"))
    of_all = str(len(found.results))
    counts = Counter(ease_of(record) for record in found.results)
    yield Bullets(
        items=[
            say("{ease}: {count} of {all}", ease=say(ease), count=str(count), all=of_all)
            for ease, count in counts.items()
        ]
    )
    for board in boards():
        yield Subheading(text=say("Quantized, on {board}", board=board.name))
        headings = [say(heading, board=board.name) for heading in FORMAT_HEADINGS]
        yield Table(headings=headings, rows=_format_rows(found, board, language))
        yield Paragraph(text=say("tokens/s there are projected from this machine's, not measured on the board."))


def _format_rows(found: Deployments, board: Board, language: Language) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for one in same_formats(found):
        record, file = one.first_run
        rate = one.over_runs(generation)
        projection = projected(record, file, found.read_bytes_per_second, board)
        held = [fits(file, size, board) for size in file.context_rss_bytes]
        answer = units.NOTHING if not held else language.say("yes" if all(held) else "no")
        rows.append(
            (
                one.name,
                f"{file.bytes / 1e6:,.0f}",
                units.NOTHING if rate is None else units.three(rate.value),
                answer,
                units.NOTHING if projection is None else units.three(projection.tokens_per_second.value),
            )
        )
    return rows
