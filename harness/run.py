"""A whole run: environments, inputs, hosts, then every cell that is not on disk yet, each recorded as it ends."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from adapters.base import NativeConfig, Unsupported
from harness.adaptive import is_needed, pending
from harness.audit.passes import audit_all
from harness.audit.verdict import Verdict
from harness.cautions import cautions_at_start
from harness.environment.build import Progress, build_environments
from harness.errors import Interrupted
from harness.execute.gpu_gate import GpuGate, hold_gpu
from harness.execute.host import HostFailure, Start
from harness.execute.hosts import Hosts
from harness.execute.training import configure, train, working_folder
from harness.execute.watch import Event, Limits
from harness.frameworks import FRAMEWORKS, REFERENCE, REFERENCE_ENVIRONMENT, load_adapter
from harness.inputs import Inputs
from harness.job import Job, Method
from harness.locations import SCRATCH_PREFIX, without_machine_paths
from harness.measure.load import other_cpu_cores
from harness.measure.steps import Step
from harness.plan import Cell, plan
from harness.prepare import prepare
from harness.recipe import Experiment
from harness.record import CellFiles, RunFolder
from harness.resume import agreed_start, check_environments, now, only_writer, open_run, record_inputs
from harness.rows import cell_record, unstarted_record


class Observer(Protocol):
    """Who is told how the run goes."""

    def stage(self, text: str) -> None:
        """Something that takes a while begins."""

    def warning(self, text: str) -> None:
        """Something that whoever runs it may want to change now."""

    def environment(self, progress: Progress) -> None:
        """A framework's environment was found, built or failed; may be called from several threads."""

    def audit_begins(self, framework: str, job: Job) -> None:
        """A framework is about to train a job before the audit's eyes (and the reference before the first)."""

    def audit_event(self, event: Event) -> None:
        """An audited process told something."""

    def audit_ended(self, verdict: Verdict) -> None:
        """An audit has its verdict."""

    def planned(self, cells: tuple[Cell, ...], recorded: frozenset[str]) -> None:
        """All cells of the run, and the names of those that are on disk already."""

    def cell_begins(self, cell: Cell) -> None:
        """A cell's process is about to start."""

    def cell_event(self, cell: Cell, event: Event) -> None:
        """A cell told something."""

    def cell_spared(self, cell: Cell) -> None:
        """A cell of an adaptive run is not needed: its framework's figure is known well enough."""

    def cell_ended(self, cell: Cell, record: Mapping[str, Any]) -> None:
        """A cell is on disk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a run needs to know besides the experiment."""

    cache: Path
    torch_backend: str
    start: Start
    resume: bool
    audit: bool
    allow_busy: bool
    """Whether a GPU that others use is measured all the same."""
    command: str
    """What a reader types to ask for the same experiment."""


def execute(experiment: Experiment, folder: RunFolder, settings: Settings, observer: Observer) -> None:
    """Run what is missing of the experiment. Raises Interrupted with what was finished on disk."""
    with (
        only_writer(folder, settings.cache),
        hold_gpu(experiment.device, allow_busy=settings.allow_busy) as gate,
    ):
        _execute_alone(experiment, folder, settings, observer, gate)


def _execute_alone(
    experiment: Experiment, folder: RunFolder, settings: Settings, observer: Observer, gate: GpuGate
) -> None:
    run = open_run(experiment, folder, command=settings.command, resume=settings.resume)
    try:
        _execute(experiment, folder, settings, observer, run, gate)
    except KeyboardInterrupt as interrupt:
        if not folder.exists():
            raise Interrupted("stopped before anything was recorded") from interrupt
        done = len(folder.recorded_cells())
        folder.write_run({**run, "status": "interrupted"})
        raise Interrupted(
            f"stopped; {done} of {len(plan(experiment))} cells are in {folder.path}; "
            f"go on with: python -m harness run --resume --output {folder.path}"
        ) from interrupt
    folder.write_run({**run, "status": "complete", "finished": now()})


def _execute(
    experiment: Experiment,
    folder: RunFolder,
    settings: Settings,
    observer: Observer,
    run: dict[str, Any],
    gate: GpuGate,
) -> None:
    cells = plan(experiment)
    recorded = folder.recorded_cells()
    records: list[Mapping[str, Any]] = list(folder.read_records())
    missing = pending(cells, recorded, experiment, records)
    unaudited = _unaudited(experiment, folder) if settings.audit else ()
    if not missing and not unaudited:
        observer.planned(cells, recorded)
        return
    observer.stage("Preparing model, tokenizer and token blocks")
    inputs = {method: prepare(job, settings.cache) for method, job in experiment.jobs.items()}
    record_inputs(run, inputs, folder)
    frameworks = sorted({cell.framework for cell in missing} | {framework for framework, _ in unaudited})
    start: Start = run["start"] or settings.start
    with open_hosts(experiment, frameworks, start, settings, observer, with_reference=bool(unaudited)) as hosts:
        run["start"] = agreed_start(run, hosts.start, folder)
        check_environments(run, {name: hosts.describe(name) for name in frameworks}, folder)
        run["frameworks"] |= {name: hosts.describe(name) for name in frameworks}
        run["gpu_shared_with"] = run.get("gpu_shared_with") or gate.shared_with
        run["other_cpu_cores_at_start"] = other_cpu_cores()
        folder.write_run(run)
        for caution in cautions_at_start(run):
            observer.warning(caution.value)
        for verdict in _audit(unaudited, experiment, inputs, hosts, observer):
            folder.write_audit(verdict.as_dict())
        observer.planned(cells, recorded)
        for cell in missing:
            if not is_needed(cell, experiment, records):
                observer.cell_spared(cell)
                continue
            gate.wait_until_free()
            observer.cell_begins(cell)
            files = _run_one(cell, experiment, inputs[cell.method], hosts, folder, observer, gate)
            folder.write_cell(cell.name, files)
            records.append(files.record)
            observer.cell_ended(cell, files.record)
        # A framework imported only now, for its first cold cell, has told its versions only now.
        run["frameworks"] |= {name: hosts.describe(name) for name in frameworks}


def audit_only(experiment: Experiment, settings: Settings, observer: Observer) -> list[Verdict]:
    """Audit every framework and job of an experiment; nothing is timed and nothing recorded."""
    with hold_gpu(experiment.device, allow_busy=settings.allow_busy):
        observer.stage("Preparing model, tokenizer and token blocks")
        inputs = {method: prepare(job, settings.cache) for method, job in experiment.jobs.items()}
        wanted = [(framework, job) for job in experiment.jobs.values() for framework in experiment.frameworks]
        frameworks = experiment.frameworks
        with open_hosts(experiment, frameworks, settings.start, settings, observer, with_reference=True) as hosts:
            return list(_audit(wanted, experiment, inputs, hosts, observer))


@contextlib.contextmanager
def open_hosts(
    experiment: Experiment,
    frameworks: Sequence[str],
    start: Start,
    settings: Settings,
    observer: Observer,
    *,
    with_reference: bool,
) -> Iterator[Hosts]:
    """The frameworks' environments, built if need be, and a worker in each that has imported it."""
    observer.stage("Setting up one environment per framework")
    needed = {*frameworks, *([REFERENCE_ENVIRONMENT] if with_reference else [])}
    built = build_environments(
        [name for name in FRAMEWORKS if name in needed],
        torch_backend=settings.torch_backend,
        cache=settings.cache,
        progress=observer.environment,
    )
    environments: dict[str, Any] = {name: built[name] for name in frameworks}
    if with_reference:
        environments[REFERENCE] = built[REFERENCE_ENVIRONMENT]
    with _scratch_folder() as scratch, Hosts(experiment.device, environments, start, scratch) as hosts:
        observer.stage("Importing the frameworks")
        hosts.start_all()
        yield hosts


def _unaudited(experiment: Experiment, folder: RunFolder) -> tuple[tuple[str, Job], ...]:
    """Framework and job of each audit that is not on disk, a job's audits together."""
    done = {(verdict["framework"], verdict["method"]) for verdict in folder.read_audits()}
    return tuple(
        (framework, job)
        for job in experiment.jobs.values()
        for framework in experiment.frameworks
        if (framework, job.method) not in done
    )


def _audit(
    wanted: Sequence[tuple[str, Job]],
    experiment: Experiment,
    inputs: Mapping[Method, Inputs],
    hosts: Hosts,
    observer: Observer,
) -> Iterator[Verdict]:
    verdicts = audit_all(
        wanted, inputs, hosts, limits_of(experiment), load_adapter, observer.audit_begins, observer.audit_event
    )
    for verdict in verdicts:
        observer.audit_ended(verdict)
        yield verdict


def _run_one(
    cell: Cell,
    experiment: Experiment,
    inputs: Inputs,
    hosts: Hosts,
    folder: RunFolder,
    observer: Observer,
    gate: GpuGate,
) -> CellFiles:
    """Run one cell and say everything that is to be recorded about it."""
    run_name = folder.path.name
    config: NativeConfig | None = None
    with working_folder(hosts, cell.name) as place:
        try:
            config = configure(load_adapter(cell.framework), cell.job, inputs, hosts, Path(place))
            trained = train(
                cell.framework,
                config,
                hosts=hosts,
                folder=Path(place),
                limits=limits_of(experiment),
                steps=cell.job.max_steps,
                audited=False,
                on_event=lambda event: observer.cell_event(cell, event),
            )
        except Unsupported as reason:
            record = unstarted_record(cell, run_name, inputs, "unsupported", str(reason))
            return _files(cell, record, config)
        except HostFailure as failure:
            record = unstarted_record(cell, run_name, inputs, "unavailable", without_machine_paths(str(failure)))
            return _files(cell, record, config)
    steps, record = cell_record(
        cell,
        run_name,
        inputs,
        config,
        trained.ended,
        trained.facts,
        hosts.start,
        gpu_base_bytes=gate.base_bytes,
    )
    return _files(cell, record, config, steps, trained.log)


def limits_of(experiment: Experiment) -> Limits:
    """When a process of the experiment is given up."""
    return Limits(timeout_seconds=experiment.timeout_seconds, silence_seconds=experiment.silence_seconds)


def _files(
    cell: Cell, record: Mapping[str, Any], config: NativeConfig | None, steps: tuple[Step, ...] = (), log: str = ""
) -> CellFiles:
    native = None if config is None else dataclasses.asdict(config)
    return CellFiles(record=record, job=cell.job.as_dict(), native_config=native, steps=steps, log=log)


@contextlib.contextmanager
def _scratch_folder() -> Iterator[Path]:
    """A folder for what frameworks write, removed at the end whatever happens."""
    path = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
