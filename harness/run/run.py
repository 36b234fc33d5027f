"""A whole run: environments, inputs, workers, then every missing cell, each recorded as it ends."""

from __future__ import annotations

import dataclasses
import functools
import shlex
from collections.abc import Mapping, Sequence

from harness.analysis.adaptive import is_needed, pending
from harness.analysis.cautions import cautions_at_start
from harness.errors import Interrupted, OutOfTime
from harness.execute.chip import measure_chip
from harness.execute.exclusive_gpu import hold_gpu
from harness.execute.gpu_memory_gate import GpuGate
from harness.execute.open_workers import open_workers
from harness.execute.worker_pool import WorkerPool
from harness.execute.worker_process import Start
from harness.job.experiment import Experiment
from harness.job.frameworks import CHIP, REFERENCE, load_adapter
from harness.job.inputs import Inputs
from harness.job.job import Method
from harness.job.plan import Cell, Entry, plan
from harness.machine.background_load import other_cpu_cores
from harness.machine.chip import Chip
from harness.machine.clock import now
from harness.machine.host import training_threads
from harness.measure.ceilings import limits_in_short
from harness.records.cell_record import CellRecord
from harness.records.from_events import Place
from harness.records.run_folder import RunFolder
from harness.run.audits import audits_of, unaudited
from harness.run.cell import CellRunner
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
from harness.run.run_settings import RunSettings, limits_of, prepared
from harness.run.time_left import within


def execute(experiment: Experiment, folder: RunFolder, settings: RunSettings, observer: Observer) -> None:
    """Run what is missing of the experiment. Raises Interrupted, with what was finished on disk."""
    with (
        only_writer(folder),
        hold_gpu(experiment.device, allow_busy=settings.allow_busy) as gate,
    ):
        Run(experiment, folder, settings, observer, gate).finish()


class Run:
    """A run in its folder: its record, the cells that it has and those that it lacks."""

    def __init__(
        self, experiment: Experiment, folder: RunFolder, settings: RunSettings, observer: Observer, gate: GpuGate
    ) -> None:
        self.experiment = experiment
        self.folder = folder
        self.settings = settings
        self.observer = observer
        self.gate = gate
        self.time_left = within(settings.seconds)
        self.record = open_run(experiment, folder, command=settings.command, resume=settings.resume)
        self.cells = plan(experiment)
        found = folder.read_records()
        self.elsewhere = begun_elsewhere(self.record, experiment, found)
        """By round: the cells that another machine began, which run again here."""
        again = {name for names in self.elsewhere.values() for name in names}
        self.records: list[CellRecord] = [record for record in found if record.cell not in again]

    def finish(self) -> None:
        """Run all that is missing. Raises Interrupted or OutOfTime, with what was finished on disk."""
        try:
            self._run_missing()
        except OutOfTime as over:
            raise OutOfTime(f"{over}; {self._kept_for_later()}") from over
        except KeyboardInterrupt as interrupt:
            if not self.folder.exists():
                raise Interrupted("stopped before anything was recorded") from interrupt
            raise Interrupted(f"stopped; {self._kept_for_later()}") from interrupt
        self.record.status = "complete"
        self.record.contents = sealed_contents(self.record, self.folder)
        self.record.finished = now()
        self.folder.write_run(self.record)

    def _kept_for_later(self) -> str:
        """Record that the run was interrupted. Return what there is of it and how to go on, in words."""
        self.record.status = "interrupted"
        self.record.contents = sealed_contents(self.record, self.folder)
        self.folder.write_run(self.record)
        left = len(unaudited(self.experiment, self.folder)) if self.settings.audit else 0
        audits = f" and {left} audits are left" if left else ""
        return (
            f"{len(self.folder.recorded_cells())} of {len(self.cells)} cells are in {self.folder.path}{audits}; "
            f"go on with: python -m harness run --resume --output {shlex.quote(str(self.folder.path))}"
        )

    def _run_missing(self) -> None:
        recorded = frozenset(record.cell for record in self.records)
        missing = pending(self.cells, recorded, self.experiment, self.records)
        to_audit = unaudited(self.experiment, self.folder) if self.settings.audit else ()
        if not missing and not to_audit:
            self.observer.planned(self.cells, recorded)
            return
        inputs = prepared(self.experiment, self.settings, self.observer)
        record_inputs(self.record, inputs, self.folder)
        frameworks = sorted({entry.framework for entry in (*missing, *to_audit)})
        start: Start = self.record.start or self.settings.start
        unmeasured = self.record.nodes[-1].chip is None
        instruments = [name for name, is_due in ((REFERENCE, to_audit), (CHIP, unmeasured)) if is_due]
        self._look_around()
        with open_workers(
            [*frameworks, *instruments],
            self.experiment.device,
            start,
            torch_backend=self.settings.torch_backend,
            cache=self.settings.cache,
            observer=self.observer,
            check=lambda environments: check_environments(self.record, environments, self.folder),
        ) as workers:
            self._describe(workers, frameworks, inputs)
            self._audit(to_audit, inputs, workers)
            self.observer.stage("Timing the cells: a fresh process each, one at a time, so that none disturbs another")
            self.observer.planned(self.cells, recorded)
            self._run_cells(missing, inputs, workers)
            # A framework that is imported only now, for its first cold cell, reports its versions only now.
            self.record.frameworks = self.record.frameworks | {name: workers.describe(name) for name in frameworks}

    def _look_around(self) -> None:
        """Record who else uses the machine, before this run does, and warn about what the user may change now."""
        record = self.record
        record.gpu_shared_with = record.gpu_shared_with or self.gate.shared_with
        record.other_cpu_cores_at_start = other_cpu_cores()
        for caution in cautions_at_start(record):
            self.observer.warning(caution.value)

    def _audit(self, entries: Sequence[Entry], inputs: Mapping[Method, Inputs], workers: WorkerPool) -> None:
        if entries:
            self.observer.stage(f"Auditing {len(entries)} trainings, untimed: is each the same job?")
        for verdict in audits_of(entries, self.experiment, inputs, workers, self.observer):
            self.folder.write_audit(verdict)

    def _describe(self, workers: WorkerPool, frameworks: Sequence[str], inputs: Mapping[Method, Inputs]) -> None:
        """Record what the run uses."""
        record = self.record
        record.start = agreed_start(record, workers.start, self.folder)
        record.frameworks = record.frameworks | {name: workers.describe(name) for name in frameworks}
        node = record.nodes[-1]
        chip = node.chip
        if chip is None:
            chip = self._measured_chip(inputs, workers)
            record.nodes = [*record.nodes[:-1], dataclasses.replace(node, chip=chip)]
            record.chip = record.chip or chip
        self.folder.write_run(record)
        self.observer.stage(f"This machine: {limits_in_short(chip, record.host)}")

    def _measured_chip(self, inputs: Mapping[Method, Inputs], workers: WorkerPool) -> Chip:
        """Return the machine's ceilings in the precision of the experiment's first job."""
        if CHIP not in workers.environments:
            return Chip(reason="there is no environment to measure it in")
        method, job = next(iter(self.experiment.jobs.items()))
        return measure_chip(CHIP, load_adapter(CHIP), job, inputs[method], workers, limits_of(self.experiment))

    def _run_cells(self, missing: Sequence[Cell], inputs: Mapping[Method, Inputs], workers: WorkerPool) -> None:
        place = Place(run=self.record.name, device_name=workers.device_name, node=self.record.nodes[-1].node)
        runner = CellRunner(experiment=self.experiment, workers=workers, gate=self.gate, place=place)
        for index, cell in enumerate(missing):
            if not is_needed(cell, self.experiment, self.records):
                self.observer.cell_spared(cell)
                continue
            self._check_time(missing[index:], len(workers.waiting_pids))
            if cell.repeat in self.elsewhere:
                names = self.elsewhere.pop(cell.repeat)
                self.observer.warning(set_aside(cell.repeat, names, self.record, self.folder))
            workers.start_ahead([later.framework for later in missing[index : index + training_threads()]])
            self.observer.cell_begins(cell)
            files = runner.run(cell, inputs[cell.method], functools.partial(self.observer.cell_event, cell))
            self.folder.write_cell(cell.name, files)
            self.records.append(files.record)
            self.observer.cell_ended(cell, files.record)

    def _check_time(self, left: Sequence[Cell], waiting: int) -> None:
        """Raise OutOfTime unless the rest of the next cell's round, which is compared as a whole, ends in time."""
        number = left[0].repeat
        rest = [cell for cell in left if cell.repeat == number]
        if not self.time_left.allows(rest, self.records, waiting):
            raise OutOfTime(f"what is left of round {number} would not end within {self.settings.seconds:g} s")
