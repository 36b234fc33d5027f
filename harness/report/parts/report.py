"""Runs -> everything that their report says, in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from harness.records.checked_run import CheckedRun, read_checked
from harness.records.run_folder import RunFolder
from harness.report.content.answer import Answer, answers
from harness.report.content.comparison_table import COMPARISON, cells_of, headings
from harness.report.content.deployment import conclusion
from harness.report.parts import conditions, costs, proof, side_by_side, studies
from harness.report.parts.blocks import Block, Group, Paragraph, Report, Section, Table
from harness.report.parts.every_cell import every_cell
from harness.report.parts.recorded import ReportedRun, recorded
from harness.studies.deploy.board import boards
from harness.studies.rubric.prices import price_of
from harness.studies.rubric.rules import read_rubric


def report_of(*folders: RunFolder, drawn: bool, cells: bool = False) -> Report:
    """Return the report of runs; see report_of_checked. The same results give the same one. Raises RunFolderError."""
    return report_of_checked([read_checked(folder) for folder in folders], drawn=drawn, cells=cells)


def report_of_checked(runs: Sequence[CheckedRun], *, drawn: bool, cells: bool = False) -> Report:
    """Return the report of one run, or of several side by side.

    `drawn`: with figures. `cells`: with a part on every cell.
    """
    several = len(runs) > 1
    reported = [recorded(run, drawn=drawn, number=index if several else 0) for index, run in enumerate(runs, start=1)]
    sections = [Section(title="All runs", blocks=tuple(_side_by_side(reported)))] if several else []
    for run in reported:
        before = f"{run.name}: " if several else ""
        sections += [
            Section(title=f"{before}{title}", blocks=tuple(blocks), machine=run.machine if several else "")
            for title, blocks in _parts(run, alone=not several, cells=cells)
        ]
    if several:
        sections.append(Section(title="Claims", blocks=tuple(studies.published_claims(reported))))
    return Report(
        title=" and ".join(run.name for run in reported),
        answers=[sentence for run in reported for sentence in _answers(run, several=several)],
        sections=[section for section in sections if section.blocks],
    )


def summary_of(run: CheckedRun) -> Report:
    """Return the part of a run's report that is read first, without its figures."""
    reported = recorded(run, drawn=False)
    parts = {
        "Matrix": [*side_by_side.compared(reported), *proof.same_losses(reported)],
        "Cells that count for nothing": [*proof.not_ok(reported)],
        "Cautions": [*side_by_side.cautions(reported)],
    }
    return Report(
        title=reported.name,
        answers=[*_answers(reported, several=False)],
        sections=[Section(title=title, blocks=blocks) for title, blocks in parts.items() if blocks],
    )


def _parts(run: ReportedRun, *, alone: bool, cells: bool) -> Iterator[tuple[str, Iterable[Block]]]:
    """Yield the parts of one run's report. Claims are judged once for all runs."""
    yield "Matrix", side_by_side.compared(run)
    yield "Figures", side_by_side.figures(run)
    yield "The same job", proof.same_job(run)
    yield "Cells that count for nothing", proof.not_ok(run)
    if alone:
        yield "Claims", studies.published_claims([run])
    yield "Stars, and what follows for whom", studies.ratings(run.checked, read_rubric(), price_of(run.record.host.gpu))
    yield "What each can do", studies.abilities(run.checked.probes)
    yield "How long, how many at once", studies.sizes(run.checked.searches)
    yield "After training", studies.after_training(run.checked.deployments)
    yield "Where the time goes", costs.time_spent(run)
    yield "Against the limits of the machine", costs.shares_of_ceilings(run)
    yield "What was tuned", side_by_side.tuned(run)
    yield "Conditions", conditions.conditions(run)
    yield "Versions", conditions.versions(run)
    yield "Native configs", conditions.native_configs(run)
    if cells:
        yield "Every cell", every_cell(run)
    yield "Reproduce", conditions.command(run)
    yield "Cautions", side_by_side.cautions(run)


def _answers(run: ReportedRun, *, several: bool) -> Iterator[Answer]:
    found = answers(run.rows, run.record)
    if run.checked.deployments.results:
        found.append(Answer(title="After training", text=conclusion(run.checked.deployments, boards())))
    if count := len(run.cautions):
        found.append(Answer(title="Cautions", text=f"{count}, at the end; read them before you quote any of this."))
    for answer in found:
        yield dataclasses.replace(answer, title=f"{run.name}: {answer.title}") if several else answer


def _side_by_side(runs: Sequence[ReportedRun]) -> Iterator[Block]:
    """Yield the matrix of all runs, by machine. Every ratio is within one run."""
    yield Paragraph(
        text="By machine. A ratio is within one run: what was measured in two runs or on two machines is never in one."
    )
    for machine in dict.fromkeys(run.machine for run in runs):
        rows = [(run.name, row.section, *cells_of(row)) for run in runs if run.machine == machine for row in run.rows]
        table = Table(headings=("run", "job", *headings(COMPARISON)), rows=rows)
        yield Group(title=machine, machine=machine, blocks=(table,))
