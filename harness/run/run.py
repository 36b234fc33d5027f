"""A whole run: environments, inputs, workers, then every cell that is not on disk yet, each recorded as it ends."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.analysis.adaptive import is_needed, pending
from harness.analysis.cautions import cautions_at_start
from harness.audit.passes import audit_all
from harness.audit.side_by_side import audits_at_once
from harness.audit.verdict import Verdict
from harness.errors import Interrupted, ModelError, OutOfTime
from harness.execute.chip import measure_chip
from harness.execute.gpu_gate import GpuGate, hold_gpu
from harness.execute.training import configure, train, working_folder
from harness.execute.watch import Limits
from harness.execute.worker_pool import WorkerPool
from harness.execute.worker_process import Start, WorkerFailure
from harness.execute.workers import open_workers
from harness.files.locations import without_machine_paths
from harness.job.experiment import Experiment, section_of
from harness.job.frameworks import CHIP, load_adapter
from harness.job.inputs import Inputs
from harness.job.job import Method
from harness.job.native import NativeConfig, Unsupported
from harness.job.plan import Cell, Entry, entries, plan
from harness.machine.clock import now
from harness.machine.host import training_threads
from harness.machine.load import other_cpu_cores
from harness.measure.ceilings import limits_in_short
from harness.measure.steps import Step
from harness.prepare import prepare
from harness.records.cell_record import cell_record, unstarted_record
from harness.records.run_folder import CellFiles, RunFolder
from harness.run.observer import Observer
from harness.run.resume import (
    agreed_start,
    begun_elsewhere,
    check_environments,
    only_writer,
    open_run,
    record_inputs,
    sealed_contents,
    set_aside,
)
from harness.run.time_left import TimeLeft, within


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
    stand_ins: bool = True
    """Whether seeded weights and another text may stand in for what a hub that does not answer would have."""
    seconds: float | None = None
    """In which the run must end; what would not end in time is not begun."""


def execute(experiment: Experiment, folder: RunFolder, settings: Settings, observer: Observer) -> None:
    """Run what is missing of the experiment. Raises Interrupted with what was finished on disk."""
    with (
        only_writer(folder),
        hold_gpu(experiment.device, allow_busy=settings.allow_busy) as gate,
    ):
        _execute_alone(experiment, folder, settings, observer, gate)


def _execute_alone(
    experiment: Experiment, folder: RunFolder, settings: Settings, observer: Observer, gate: GpuGate
) -> None:
    time_left = within(settings.seconds)
    run = open_run(experiment, folder, command=settings.command, resume=settings.resume)
    try:
        _execute(experiment, folder, settings, observer, run, gate, time_left)
    except OutOfTime as over:
        raise OutOfTime(f"{over}; {_kept_for_later(experiment, folder, settings, run)}") from over
    except KeyboardInterrupt as interrupt:
        if not folder.exists():
            raise Interrupted("stopped before anything was recorded") from interrupt
        raise Interrupted(f"stopped; {_kept_for_later(experiment, folder, settings, run)}") from interrupt
    folder.write_run({**run, "status": "complete", "contents": sealed_contents(run, folder), "finished": now()})


def _kept_for_later(experiment: Experiment, folder: RunFolder, settings: Settings, run: dict[str, Any]) -> str:
    """Record that a run was interrupted; what there is of it, and how to go on, in words."""
    folder.write_run({**run, "status": "interrupted", "contents": sealed_contents(run, folder)})
    left = len(_unaudited(experiment, folder)) if settings.audit else 0
    audits = f" and {left} audits are left" if left else ""
    return (
        f"{len(folder.recorded_cells())} of {len(plan(experiment))} cells are in {folder.path}{audits}; "
        f"go on with: python -m harness run --resume --output {shlex.quote(str(folder.path))}"
    )


def _execute(
    experiment: Experiment,
    folder: RunFolder,
    settings: Settings,
    observer: Observer,
    run: dict[str, Any],
    gate: GpuGate,
    time_left: TimeLeft,
) -> None:
    cells = plan(experiment)
    found = folder.read_records()
    elsewhere = begun_elsewhere(run, experiment, found)
    again = {name for cells_of_round in elsewhere.values() for name in cells_of_round}
    records: list[Mapping[str, Any]] = [one for one in found if one["cell"] not in again]
    recorded = frozenset(one["cell"] for one in records)
    missing = pending(cells, recorded, experiment, records)
    unaudited = _unaudited(experiment, folder) if settings.audit else ()
    if not missing and not unaudited:
        observer.planned(cells, recorded)
        return
    inputs = _prepared(experiment, settings, observer)
    record_inputs(run, inputs, folder)
    frameworks = sorted({one.framework for one in (*missing, *unaudited)})
    start: Start = run["start"] or settings.start
    with open_workers(
        frameworks,
        experiment.device,
        start,
        torch_backend=settings.torch_backend,
        cache=settings.cache,
        observer=observer,
        with_reference=bool(unaudited),
        with_chip="chip" not in run["nodes"][-1],
        check=lambda environments: check_environments(run, environments, folder),
    ) as workers:
        run["start"] = agreed_start(run, workers.start, folder)
        run["frameworks"] |= {name: workers.describe(name) for name in frameworks}
        run["gpu_shared_with"] = run.get("gpu_shared_with") or gate.shared_with
        run["other_cpu_cores_at_start"] = other_cpu_cores()
        node = run["nodes"][-1]
        if "chip" not in node:
            node["chip"] = _chip(experiment, inputs, workers)
            run.setdefault("chip", node["chip"])
        folder.write_run(run)
        observer.stage(f"This machine: {limits_in_short(run)}")
        for caution in cautions_at_start(run):
            observer.warning(caution.value)
        for verdict in _audit(unaudited, experiment, inputs, workers, observer):
            folder.write_audit(verdict.as_dict())
        observer.planned(cells, recorded)
        for place, cell in enumerate(missing):
            if not is_needed(cell, experiment, records):
                observer.cell_spared(cell)
                continue
            if not time_left.allows(_rest_of_round(cell, missing[place:]), records, len(workers.waiting_pids)):
                raise OutOfTime(f"what is left of round {cell.repeat} would not end within {settings.seconds:g} s")
            if cell.repeat in elsewhere:
                observer.warning(set_aside(cell.repeat, elsewhere.pop(cell.repeat), run, folder))
            workers.start_ahead([later.framework for later in missing[place : place + training_threads()]])
            observer.cell_begins(cell)
            files = _run_one(cell, run, experiment, inputs[cell.method], workers, observer, gate)
            folder.write_cell(cell.name, files)
            records.append(files.record)
            observer.cell_ended(cell, files.record)
        # A framework imported only now, for its first cold cell, has told its versions only now.
        run["frameworks"] |= {name: workers.describe(name) for name in frameworks}


def audit_only(experiment: Experiment, settings: Settings, observer: Observer) -> Iterator[Verdict]:
    """Audit every framework and job of an experiment, each as it ends; nothing is timed and nothing recorded."""
    with hold_gpu(experiment.device, allow_busy=settings.allow_busy):
        inputs = _prepared(experiment, settings, observer)
        with open_workers(
            experiment.frameworks,
            experiment.device,
            settings.start,
            torch_backend=settings.torch_backend,
            cache=settings.cache,
            observer=observer,
            with_reference=True,
        ) as workers:
            yield from _audit(entries(experiment), experiment, inputs, workers, observer)


def _prepared(experiment: Experiment, settings: Settings, observer: Observer) -> dict[Method, Inputs]:
    """What all frameworks share; a stand-in for what was asked is told before anything trains, or refused."""
    observer.stage("Preparing model, tokenizer and token blocks")
    inputs = {method: prepare(job, settings.cache) for method, job in experiment.jobs.items()}
    stand_ins = list(dict.fromkeys(told for one in inputs.values() for told in one.stand_ins))
    if stand_ins and not settings.stand_ins:
        told = " and ".join(stand_ins)
        raise ModelError(f"--no-stand-ins: there would be {told}; give what you have by --set model=PATH and --dataset")
    for told in stand_ins:
        observer.warning(f"A stand-in is trained: {told}. --no-stand-ins refuses that.")
    return inputs


def _rest_of_round(cell: Cell, missing: Sequence[Cell]) -> Sequence[Cell]:
    """What must end in time for a cell to be worth its start: its round, which is compared as a whole."""
    return [later for later in missing if later.repeat == cell.repeat]


def _chip(experiment: Experiment, inputs: Mapping[Method, Inputs], workers: WorkerPool) -> dict[str, Any]:
    """The machine's ceilings in the precision of the experiment's first job."""
    if CHIP not in workers.environments:
        return {"reason": "there is no environment to measure it in"}
    method, job = next(iter(experiment.jobs.items()))
    return measure_chip(CHIP, load_adapter(CHIP), job, inputs[method], workers, limits_of(experiment))


def _unaudited(experiment: Experiment, folder: RunFolder) -> tuple[Entry, ...]:
    """The entries whose audit is not on disk."""
    done = {(verdict["framework"], section_of(verdict)) for verdict in folder.read_audits()}
    return tuple(entry for entry in entries(experiment) if (entry.framework, entry.section) not in done)


def _audit(
    wanted: Sequence[Entry],
    experiment: Experiment,
    inputs: Mapping[Method, Inputs],
    workers: WorkerPool,
    observer: Observer,
) -> Iterator[Verdict]:
    verdicts = audit_all(
        wanted,
        inputs,
        workers,
        limits_of(experiment),
        load_adapter,
        observer.audit_begins,
        observer.audit_event,
        at_once=audits_at_once(workers),
    )
    for verdict in verdicts:
        # Kept by who asked before it is told: an interrupt in between would lose it.
        yield verdict
        observer.audit_ended(verdict)


def _run_one(
    cell: Cell,
    run: Mapping[str, Any],
    experiment: Experiment,
    inputs: Inputs,
    workers: WorkerPool,
    observer: Observer,
    gate: GpuGate,
) -> CellFiles:
    """Run one cell and say everything that is to be recorded about it."""
    config: NativeConfig | None = None
    node = run["nodes"][-1]["node"]
    turn = gate.before_cell(cell.framework, workers.next_pid(cell.framework))
    with working_folder(workers, cell.name) as place:
        try:
            config = configure(load_adapter(cell.framework), cell.job, inputs, workers, Path(place), cell.native)
            trained = train(
                cell.framework,
                config,
                workers=workers,
                folder=Path(place),
                limits=limits_of(experiment),
                steps=cell.job.max_steps,
                audited=False,
                on_event=lambda event: observer.cell_event(cell, event),
                enough=_enough_of(cell, experiment),
            )
        except Unsupported as reason:
            record = unstarted_record(cell, run["name"], inputs, "unsupported", str(reason), node)
            return _files(cell, record, config)
        except WorkerFailure as failure:
            record = unstarted_record(
                cell, run["name"], inputs, "unavailable", without_machine_paths(str(failure)), node
            )
            return _files(cell, record, config)
    left = gate.after_cell(turn, is_listed=trained.ended.gpu.process_peak_bytes is not None)
    steps, record = cell_record(
        cell,
        run["name"],
        inputs,
        config,
        trained.ended,
        trained.facts,
        workers.start,
        device_name=workers.device_name,
        node=node,
        left=left,
        enough=experiment.enough,
    )
    return _files(cell, record, config, steps, trained.log)


def _enough_of(cell: Cell, experiment: Experiment) -> dict[str, Any] | None:
    enough = experiment.enough
    return None if enough is None else {**dataclasses.asdict(enough), "warmup_steps": cell.job.warmup_steps}


def limits_of(experiment: Experiment) -> Limits:
    """When a process of the experiment is given up."""
    return Limits(timeout_seconds=experiment.timeout_seconds, silence_seconds=experiment.silence_seconds)


def _files(
    cell: Cell, record: Mapping[str, Any], config: NativeConfig | None, steps: tuple[Step, ...] = (), log: str = ""
) -> CellFiles:
    native = None if config is None else dataclasses.asdict(config)
    return CellFiles(record=record, job=cell.job.as_dict(), native_config=native, steps=steps, log=log)
