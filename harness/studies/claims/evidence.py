"""Recorded runs -> evidence for claims: each framework's figures, and what they were measured under."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.analysis.cell_columns import by_round
from harness.analysis.compare_frameworks import same_job_of
from harness.analysis.estimates import Rounds
from harness.analysis.row_grouping import Key, grouped
from harness.audit.findings import LOSS, Finding
from harness.audit.verdict import Verdict
from harness.job.experiment import Track, Tuning, section_of
from harness.job.frameworks import FRAMEWORKS
from harness.job.job import Job
from harness.records.cell_record import CellRecord
from harness.records.checked_run import CheckedRun
from harness.records.run_record import RunRecord
from harness.records.searches import SearchRecord, smallest_miss
from harness.studies.claims.named_models import model_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Circumstances:
    """The conditions of a measurement."""

    run: str
    machine: str
    """Name of the GPU, or of the CPU."""
    device: str
    """ "cpu" or "cuda"."""
    memory_bytes: int
    """Memory of the GPU, or of the machine; for a search, its budget."""
    framework: str
    version: str
    versions: Mapping[str, str]
    """Versions of the packages in the framework's environment."""
    track: Track
    job: Job
    model: str
    """The hub's name, also for random weights in that model's exact shape; else the size in words."""
    tuning: Tuning | None = None
    """For a row in the tuned track: how its job and config differ from the parity track's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """One row of one run, with its processes' figures."""

    under: Circumstances
    section: str
    conditions: int
    """Figures of one run and section may form a ratio only if these are equal."""
    same_job: str
    same_loss: bool | None
    """Whether the audit found the reference's loss at every step; None without an audit."""
    loss_seen: str
    """The distance of the loss from the reference's, in words."""
    tokens_per_second: Rounds
    peak_memory_bytes: Rounds


@dataclass(frozen=True, kw_only=True, slots=True)
class LongestContext:
    """The result of a search for the longest sequence."""

    under: Circumstances
    tokens: int
    """The longest sequence that trained; 0 if none did."""
    too_long: int | None
    """The shortest sequence that did not; None if none was found."""


def evidence_of(run: CheckedRun) -> tuple[Evidence, ...]:
    """Return the evidence of a run's frameworks that have figures."""
    losses = {(verdict.framework, section_of(verdict)): _loss_finding(verdict) for verdict in run.verdicts}
    cells = [cell for cell in run.cells if not cell.twin and cell.framework in FRAMEWORKS]
    found = []
    for key, group in grouped(cells).items():
        rates = by_round(group, "tokens_per_second")
        if rates:
            measured = next(cell for cell in group if cell.outcome == "ok")
            loss = losses.get((key.framework, key.section))
            found.append(
                Evidence(
                    under=_circumstances(run.record, key, measured, run.folder.read_job(measured.cell)),
                    section=key.section,
                    conditions=key.conditions,
                    same_job=same_job_of(group),
                    same_loss=None if loss is None else loss.result == "same",
                    loss_seen="" if loss is None else loss.got,
                    tokens_per_second=rates,
                    peak_memory_bytes=by_round(group, "peak_memory_bytes"),
                )
            )
    return tuple(found)


def contexts_of(run: str, searches: Iterable[SearchRecord]) -> tuple[LongestContext, ...]:
    """Return the searches in a run's folder that found an answer."""
    return tuple(_context(run, search) for search in searches if _is_answered(search))


def _loss_finding(verdict: Verdict) -> Finding | None:
    return next((finding for finding in verdict.findings if finding.subject == LOSS), None)


def _circumstances(run: RunRecord, key: Key, cell: CellRecord, job: Job) -> Circumstances:
    host = run.host
    on_cpu = cell.device == "cpu"
    return Circumstances(
        run=run.name,
        machine=host.cpu if on_cpu else str(cell.device),
        device="cpu" if on_cpu else "cuda",
        memory_bytes=host.memory_bytes if on_cpu else host.gpu_memory_bytes or 0,
        framework=key.framework,
        version=key.version,
        versions=run.versions_of(key.framework),
        track=cell.track,
        job=job,
        model=model_of(job),
        tuning=_tuning(run, key.framework, cell),
    )


def _tuning(run: RunRecord, framework: str, cell: CellRecord) -> Tuning | None:
    if cell.track != "tuned":
        return None
    return run.experiment.tunings[framework][cell.method]


def _is_answered(search: SearchRecord) -> bool:
    return search.quantity == "sequence_length" and (search.largest is not None or not search.stopped)


def _context(run: str, search: SearchRecord) -> LongestContext:
    miss = smallest_miss(search.probes)
    job = Job.from_dict(search.job)
    on_cpu = search.device == "cpu"
    return LongestContext(
        under=Circumstances(
            run=run,
            machine="CPU" if on_cpu else search.device,
            device="cpu" if on_cpu else "cuda",
            memory_bytes=search.budget_bytes,
            framework=search.framework,
            version=search.framework_version,
            versions={},
            track="tuned" if search.track == "tuned" else "parity",
            job=job,
            model=model_of(job),
        ),
        tokens=search.largest or 0,
        too_long=None if miss is None else miss.size,
    )
