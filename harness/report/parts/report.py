"""Runs -> everything that their report says, in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from harness.job.frameworks import BASELINE
from harness.records.checked_run import CheckedRun, read_checked
from harness.records.run_folder import RunFolder
from harness.report.content.answer import CAUTIONS, THE_SAME_JOB, Answer, answer
from harness.report.content.comparison_table import COMPARISON, cells_of, headings
from harness.report.parts import conditions, costs, proof, side_by_side, studies
from harness.report.parts.blocks import Block, Group, Paragraph, Report, Section, Table
from harness.report.parts.every_cell import every_cell
from harness.report.parts.recorded import ReportedRun, recorded
from harness.studies.claims.named_models import model_of
from harness.studies.rubric.prices import price_of
from harness.studies.rubric.rules import read_rubric
from harness.text.language import ENGLISH, Language

NOT_OK = "Cells that count for nothing"


def report_of(*folders: RunFolder, drawn: bool, cells: bool = False) -> Report:
    """Return the report of runs; see report_of_checked. The same results give the same one. Raises RunFolderError."""
    return report_of_checked([read_checked(folder) for folder in folders], drawn=drawn, cells=cells)


def report_of_checked(
    runs: Sequence[CheckedRun], *, drawn: bool, cells: bool = False, language: Language = ENGLISH
) -> Report:
    """Return the report of one run, or of several side by side.

    `drawn`: with figures. `cells`: with a part on every cell. `language`: that of the answer and the stars.
    """
    several = len(runs) > 1
    reported = [recorded(run, drawn=drawn, number=index if several else 0) for index, run in enumerate(runs, start=1)]
    sections = [Section(title="All runs", blocks=tuple(_side_by_side(reported)))] if several else []
    for run in reported:
        before = f"{run.name}: " if several else ""
        sections += [
            dataclasses.replace(part, title=f"{before}{part.title}", machine=run.machine if several else "")
            for part in _parts(run, alone=not several, cells=cells, language=language)
        ]
    if several:
        sections.append(Section(title="Claims", blocks=tuple(studies.published_claims(reported))))
    return Report(
        title=" and ".join(run.name for run in reported),
        about="" if several else _about(reported[0]),
        answers=[_answer(run, language, several=several) for run in reported],
        sections=[section for section in sections if section.blocks],
    )


def summary_of(run: CheckedRun) -> Report:
    """Return what a terminal shows of a run: the answer, the figures in short, and the cells that count for nothing."""
    reported = recorded(run, drawn=False)
    parts = {
        "Measured": [*side_by_side.in_short(reported)],
        NOT_OK: [*proof.not_ok(reported)],
    }
    return Report(
        title=reported.name,
        about=_about(reported),
        answers=[_answer(reported, ENGLISH, several=False)],
        sections=[Section(title=title, blocks=blocks) for title, blocks in parts.items() if blocks],
    )


def _parts(run: ReportedRun, *, alone: bool, cells: bool, language: Language) -> Iterator[Section]:
    """Yield the parts of one run's report: what everybody reads, then the rest, folded. Claims are judged once."""
    rated = studies.rated(run.checked, read_rubric())
    first = {
        "Stars, beside the old report's": studies.star_matrix(rated, language),
        "Speed against memory": side_by_side.speed_against_memory(run),
        "Measured": side_by_side.compared(run),
        NOT_OK: proof.not_ok(run),
        "Figures": side_by_side.other_figures(run),
        THE_SAME_JOB: proof.same_job(run),
        "Claims": studies.published_claims([run]) if alone else (),
        "Recommendations": studies.recommendations(rated, price_of(run.record.host.gpu)),
        CAUTIONS: side_by_side.cautions(run),
    }
    folded = {
        "What each star follows from": studies.star_evidence(rated),
        "What each can do": studies.abilities(run.checked.probes),
        "How long, how many at once": studies.sizes(run.checked.searches),
        "After training": studies.after_training(run.checked.deployments),
        "Where the time goes": costs.time_spent(run),
        "Against the limits of the machine": costs.shares_of_ceilings(run),
        "What was tuned": side_by_side.tuned(run),
        "Conditions": conditions.conditions(run),
        "Versions": conditions.versions(run),
        "Native configs": conditions.native_configs(run),
        "Every cell": every_cell(run) if cells else (),
        "Reproduce": conditions.command(run),
    }
    for parts in (first, folded):
        for title, blocks in parts.items():
            yield Section(title=title, blocks=tuple(blocks), folded=parts is folded)


def _answer(run: ReportedRun, language: Language, *, several: bool) -> Answer:
    found = answer(run.rows, run.cells, run.record, len(run.cautions), language)
    return dataclasses.replace(found, about=f"{run.name}, on {run.machine}") if several else found


def _about(run: ReportedRun) -> str:
    """Return the job and the machine in one line."""
    job = next(iter(run.experiment.jobs.values()))
    model = model_of(job)
    return (
        f"{model[0].upper()}{model[1:]} on {run.machine}; sequence length {job.sequence_length}, {job.precision}. "
        f"{len(run.experiment.frameworks)} frameworks; plain {BASELINE} is the baseline."
    )


def _side_by_side(runs: Sequence[ReportedRun]) -> Iterator[Block]:
    """Yield the matrix of all runs, by machine. Every ratio is within one run."""
    yield Paragraph(
        text="By machine. A ratio is within one run: what was measured in two runs or on two machines is never in one."
    )
    for machine in dict.fromkeys(run.machine for run in runs):
        rows = [(run.name, row.section, *cells_of(row)) for run in runs if run.machine == machine for row in run.rows]
        table = Table(headings=("run", "job", *headings(COMPARISON)), rows=rows)
        yield Group(title=machine, machine=machine, blocks=(table,))
