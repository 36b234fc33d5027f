"""The evidence that all did the same job, and the cells that do not count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.audit.verdict import Verdict
from harness.files.machine_paths import without_machine_paths
from harness.job.experiment import section_of
from harness.report.content import audits
from harness.report.content.comparison_notes import loss_agreement
from harness.report.parts.blocks import Block, Bullets, Folded, Paragraph, Table
from harness.report.parts.recorded import ReportedRun


def same_job(run: ReportedRun) -> Iterator[Block]:
    """Yield the audits with every finding, how far losses agree, and what all frameworks read."""
    yield from audited(run.checked.verdicts)
    yield Bullets(items=[*_agreements(run), *_inputs(run)])


def audited(verdicts: Sequence[Verdict]) -> Iterator[Block]:
    """Yield verdicts of the audit, in the order of frameworks and methods; folded below, every finding."""
    verdicts = audits.ordered(verdicts)
    if verdicts:
        yield Paragraph(
            text="Each framework trained the job once with hooks on its live model and optimizer, in a process that "
            "is not timed. What they recorded is compared with the job and a plain PyTorch loop. Loss and gradient "
            "norm: largest relative difference from that loop at any step.",
            see="audit",
        )
        yield Table(headings=audits.HEADINGS, rows=[audits.audit_cells(verdict) for verdict in verdicts])
    folds = tuple(_findings(verdict) for verdict in verdicts if verdict.findings)
    if folds:
        yield Folded(title="Every question of each audit: asked and got", blocks=folds)


def _findings(verdict: Verdict) -> Folded:
    rows = [audits.finding_cells(finding) for finding in verdict.findings]
    return Folded(
        title=f"{verdict.framework}, {section_of(verdict)}",
        blocks=(
            Paragraph(text=f"Tolerance: {verdict.tolerance}."),
            Table(headings=audits.FINDING_HEADINGS, rows=rows),
        ),
    )


def _agreements(run: ReportedRun) -> list[str]:
    agreements = (loss_agreement(run.rows, section) for section in run.experiment.sections)
    return [text for text in agreements if text]


def _inputs(run: ReportedRun) -> Iterator[str]:
    for method, inputs in run.record.inputs.items():
        adapter = f", initial adapter {inputs.adapter_sha256[:12]}" if inputs.adapter_sha256 else ""
        yield (
            f"{method}: token blocks {inputs.blocks_sha256[:12]}, weights {inputs.model_sha256[:12]}{adapter} "
            "(sha256); every framework read these."
        )


def not_ok(run: ReportedRun) -> Iterator[Block]:
    """Yield cells that failed or were another job, and unreadable files."""
    failed = [(run.name_of(cell), cell.outcome, str(cell.reason)) for cell in run.cells if cell.outcome != "ok"]
    other = [
        (run.name_of(cell), "not the same job", str(cell.why_not_same_job))
        for cell in run.cells
        if cell.outcome == "ok" and cell.same_job == "no"
    ]
    if failed or other:
        yield Table(headings=("cell", "outcome", "reason"), rows=[*failed, *other])
    if run.checked.unreadable:
        yield Paragraph(text="Files that could not be read, and are left out:")
        yield Bullets(items=[without_machine_paths(why) for why in run.checked.unreadable])
