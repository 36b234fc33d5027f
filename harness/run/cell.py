"""Run one cell and collect everything that is to be recorded about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.execute.events import Event, Outcome
from harness.execute.gpu_memory_gate import GpuGate
from harness.execute.training import Request, Trainer, working_folder
from harness.execute.worker_pool import WorkerPool
from harness.execute.worker_process import WorkerFailure
from harness.files.machine_paths import without_machine_paths
from harness.job.experiment import Experiment
from harness.job.frameworks import load_adapter
from harness.job.inputs import Inputs
from harness.job.native import NativeConfig, Unsupported
from harness.job.plan import Cell
from harness.measure.steps import Step
from harness.records.cell_record import CellRecord
from harness.records.from_events import Place, Process, cell_record, unstarted_record
from harness.records.run_folder import CellFiles
from harness.run.run_settings import limits_of


@dataclass(frozen=True, kw_only=True, slots=True)
class CellRunner:
    """Runs the cells of one experiment."""

    experiment: Experiment
    workers: WorkerPool
    gate: GpuGate
    place: Place

    def run(self, cell: Cell, inputs: Inputs, on_event: Callable[[Event], None]) -> CellFiles:
        """Run one cell. It always returns a record, whatever happens."""
        turn = self.gate.before_cell(cell.framework, self.workers.next_pid(cell.framework))
        trainer = Trainer(workers=self.workers, limits=limits_of(self.experiment))
        config: NativeConfig | None = None
        with working_folder(self.workers, cell.name) as folder:
            try:
                adapter = load_adapter(cell.framework)
                config = trainer.configure(adapter, cell.job, inputs, Path(folder), cell.native)
                request = Request(steps=cell.job.max_steps, enough=self._enough(cell))
                trained = trainer.train(cell.framework, config, Path(folder), request, on_event)
            except Unsupported as reason:
                return self._unstarted(cell, inputs, "unsupported", str(reason), config)
            except WorkerFailure as failure:
                return self._unstarted(cell, inputs, "unavailable", without_machine_paths(str(failure)), config)
        process = Process(
            config=config,
            facts=trained.facts,
            start=self.workers.start,
            ended=trained.ended,
            left=self.gate.after_cell(turn, is_listed=trained.ended.gpu.process_peak_bytes is not None),
        )
        steps, record = cell_record(cell, inputs, self.place, process, self.experiment.enough)
        return files_of(cell, record, config, steps, trained.log)

    def _unstarted(
        self, cell: Cell, inputs: Inputs, outcome: Outcome, reason: str, config: NativeConfig | None
    ) -> CellFiles:
        return files_of(cell, unstarted_record(cell, inputs, self.place, outcome, reason), config)

    def _enough(self, cell: Cell) -> dict[str, Any] | None:
        """Return what the recorder needs to end a cell early; None if the cell trains all of the job's steps."""
        enough = self.experiment.enough
        return None if enough is None else {**dataclasses.asdict(enough), "warmup_steps": cell.job.warmup_steps}


def files_of(
    cell: Cell, record: CellRecord, config: NativeConfig | None, steps: tuple[Step, ...] = (), log: str = ""
) -> CellFiles:
    """Return what is written about a cell."""
    native = None if config is None else dataclasses.asdict(config)
    return CellFiles(record=record, job=cell.job.as_dict(), native_config=native, steps=steps, log=log)
