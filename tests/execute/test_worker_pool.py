"""Workers that import before their turn, and the end of those that another thread watches."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.environment.environment import Environment
from harness.execute.events import Event, StepEnds
from harness.execute.training import Request, Trainer
from harness.execute.watch_cell import Ended, Limits
from harness.execute.worker_pool import WorkerPool
from harness.execute.worker_process import WorkerFailure
from harness.job.job import Job
from tests.conftest import INPUTS
from tests.measure.oracle import OracleAdapter

ORACLE = "tests.measure.oracle:OracleAdapter"


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[WorkerPool]:
    python = Path(sys.executable)
    environment = Environment(framework=ORACLE, path=python.parent.parent, python=python, torch_backend="cpu")
    with WorkerPool("cpu", {ORACLE: environment}, "ahead", tmp_path) as workers:
        workers.start_all()
        assert not workers.failures
        yield workers


def worker_pids() -> set[int]:
    """Process ids of all workers that live."""
    alive = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return {child.pid for child in alive if any(word.endswith("worker.py") for word in child.cmdline())}


def test_the_worker_that_told_what_a_framework_is_becomes_its_first_cell(workers: WorkerPool) -> None:
    (first,) = worker_pids()
    assert workers.not_yet_ahead([ORACLE] * 3) == [ORACLE] * 2
    assert workers.for_cell(ORACLE).process.pid == first


def test_workers_that_were_started_ahead_become_the_next_cells_each_once(workers: WorkerPool) -> None:
    workers.stop_waiting()
    assert workers.start_ahead([ORACLE] * 3)
    waiting = worker_pids()
    assert workers.waiting_pids == waiting
    assert workers.next_pid(ORACLE) in waiting
    cells = [workers.for_cell(ORACLE) for _ in range(3)]
    assert worker_pids() == waiting
    assert {cell.process.pid for cell in cells} == waiting
    assert len({cell.process.pid for cell in cells}) == 3


def test_nothing_more_is_started_while_the_next_cell_s_worker_waits(workers: WorkerPool) -> None:
    workers.for_cell(ORACLE)
    workers.start_ahead([ORACLE] * 2)
    workers.for_cell(ORACLE)
    before = worker_pids()
    assert not workers.start_ahead([ORACLE] * 3)
    assert worker_pids() == before


def test_the_time_of_a_start_does_not_hold_the_wait_for_its_turn(workers: WorkerPool) -> None:
    time.sleep(3)
    workers.for_cell(ORACLE)
    assert workers.facts[ORACLE].start_seconds < 3


def test_stopping_the_cells_ends_one_that_another_thread_watches(
    workers: WorkerPool, tiny_job: Job, tmp_path: Path
) -> None:
    job = dataclasses.replace(tiny_job, max_steps=1000)
    place = tmp_path / "cell"
    place.mkdir()
    trainer = Trainer(workers=workers, limits=Limits(timeout_seconds=60, silence_seconds=30))
    config = trainer.configure(OracleAdapter(step_seconds=0.1), job, INPUTS, place)
    steps, ended = threading.Event(), list[Ended]()

    def watch() -> None:
        trained = trainer.train(
            ORACLE,
            config,
            place,
            Request(steps=job.max_steps),
            lambda event: steps.set() if isinstance(event, StepEnds) else None,
        )
        ended.append(trained.ended)

    watching = threading.Thread(target=watch)
    watching.start()
    assert steps.wait(30)
    workers.stop_cells()
    watching.join(30)
    assert [end.outcome for end in ended] == ["killed"]
    assert worker_pids() == set()


def test_a_worker_that_dies_while_it_waits_costs_no_cell(workers: WorkerPool) -> None:
    (waiting,) = worker_pids()
    psutil.Process(waiting).kill()
    psutil.wait_procs([psutil.Process(waiting)] if psutil.pid_exists(waiting) else [], timeout=5)
    worker = workers.for_cell(ORACLE)
    assert worker.process.poll() is None
    assert worker.process.pid != waiting


def test_workers_that_were_not_needed_are_ended(workers: WorkerPool) -> None:
    workers.import_ahead([ORACLE])
    assert len(worker_pids()) == 2
    workers.stop_waiting()
    assert worker_pids() == set()
    assert workers.next_pid(ORACLE) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "when", "words"),
    [
        (signal.SIGSTOP, "before the cell", "worker did not answer and was ended"),
        (signal.SIGKILL, "in the cell", "its worker was ended by SIGKILL, and a cell ends with it"),
    ],
)
def test_a_warm_worker_that_is_stopped_or_killed_costs_one_cell(
    tmp_path: Path, tiny_job: Job, number: int, when: str, words: str
) -> None:
    python = Path(sys.executable)
    environment = Environment(framework=ORACLE, path=python.parent.parent, python=python, torch_backend="cpu")
    with WorkerPool("cpu", {ORACLE: environment}, "warm", tmp_path) as workers:
        workers.start_all()
        (worker,) = worker_pids()

        def ended(name: str, *, disturbed: bool) -> Ended:
            def disturb(event: Event) -> None:
                if disturbed and when == "in the cell" and isinstance(event, StepEnds):
                    os.kill(worker, number)

            place = tmp_path / name
            place.mkdir()
            trainer = Trainer(workers=workers, limits=Limits(timeout_seconds=60, silence_seconds=30))
            config = trainer.configure(OracleAdapter(step_seconds=0.05), tiny_job, INPUTS, place)
            return trainer.train(ORACLE, config, place, Request(steps=tiny_job.max_steps), disturb).ended

        if when == "before the cell":
            os.kill(worker, number)
        first, second = ended("first", disturbed=True), ended("second", disturbed=False)
    assert first.outcome in ("crashed", "killed")
    assert words in first.reason
    assert second.outcome == "ok", second.reason


def test_a_worker_that_cannot_be_started_fails_its_cell_alone(tmp_path: Path) -> None:
    nowhere = Environment(framework=ORACLE, path=tmp_path, python=tmp_path / "no-python", torch_backend="cpu")
    with WorkerPool("cpu", {ORACLE: nowhere}, "ahead", tmp_path) as workers:
        workers.start_all()
        assert not workers.start_ahead([ORACLE])
        with pytest.raises(WorkerFailure, match="could not be started"):
            workers.for_cell(ORACLE)
