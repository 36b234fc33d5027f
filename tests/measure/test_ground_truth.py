"""What is measured of a framework whose time and memory are known exactly."""

from __future__ import annotations

import dataclasses
import multiprocessing
import statistics
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.environment.environment import Environment
from harness.execute.events import facts_of
from harness.execute.training import Request, Trainer
from harness.execute.watch_cell import Limits
from harness.execute.worker_pool import WorkerPool
from harness.job.job import Job
from harness.job.plan import Cell
from harness.records.cell_record import CellRecord
from harness.records.from_events import Place, Process, cell_record
from tests.conftest import INPUTS
from tests.measure.oracle import OracleAdapter

ORACLE = "tests.measure.oracle:OracleAdapter"
MIB = 2**20


def measured(job: Job, adapter: OracleAdapter, folder: Path) -> tuple[CellRecord, dict[str, Any]]:
    """The record of a cell that the oracle trained in a real process, and the facts that it reported."""
    job = dataclasses.replace(job, max_steps=12, warmup_steps=1)
    python = Path(sys.executable)
    environment = Environment(framework=ORACLE, path=python.parent.parent, python=python, torch_backend="cpu")
    with WorkerPool("cpu", {ORACLE: environment}, "warm", folder) as workers:
        workers.start_all()
        assert not workers.failures
        place = folder / "cell"
        place.mkdir()
        trainer = Trainer(workers=workers, limits=Limits(timeout_seconds=60, silence_seconds=30))
        config = trainer.configure(adapter, job, INPUTS, place)
        trained = trainer.train(ORACLE, config, place, Request(steps=job.max_steps))
    cell = Cell(framework=ORACLE, track="parity", repeat=1, job=job)
    process = Process(config=config, facts=trained.facts, start="warm", ended=trained.ended)
    _, record = cell_record(cell, INPUTS, Place(run="run", device_name="cpu"), process)
    assert record.outcome == "ok", record.reason
    facts = facts_of(trained.ended.events)
    return record, facts


@pytest.mark.parametrize("step_seconds", [0.02, 0.1])
def test_throughput_is_right_within_half_a_per_cent(tiny_job: Job, tmp_path: Path, step_seconds: float) -> None:
    record, facts = measured(tiny_job, OracleAdapter(step_seconds=step_seconds), tmp_path)
    seconds = facts["told_seconds"]
    assert min(seconds) >= step_seconds
    steady = statistics.median(seconds[record.warmup_steps :])
    assert record.tokens_per_second == pytest.approx(tiny_job.tokens_per_step / steady, rel=0.005)
    assert record.training_seconds == pytest.approx(sum(seconds), rel=0.005)


@pytest.mark.parametrize("held_bytes", [64 * MIB, 512 * MIB])
def test_peak_memory_is_right_within_one_per_cent_and_a_mebibyte(
    tiny_job: Job, tmp_path: Path, held_bytes: int
) -> None:
    record, facts = measured(tiny_job, OracleAdapter(held_bytes=held_bytes), tmp_path)
    assert record.peak_memory_bytes == pytest.approx(facts["resident_before"] + held_bytes, rel=0.01, abs=MIB)
    assert int(record.peak_memory_bytes or 0) - facts["resident_before"] == pytest.approx(held_bytes, rel=0.01, abs=MIB)


def test_a_process_that_computes_beside_the_cell_is_seen(tiny_job: Job, tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.apply_async(sum, [range(10**10)])
        record, _ = measured(tiny_job, OracleAdapter(step_seconds=0.1), tmp_path)
        pool.terminate()
    assert (record.other_cpu_cores or 0) > 0.3
