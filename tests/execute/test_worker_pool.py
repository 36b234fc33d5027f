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
from harness.execute.training import configure, train
from harness.execute.watch import Ended, Event, Limits
from harness.execute.worker_pool import Hosts
from harness.execute.worker_process import HostFailure
from harness.job.job import Job
from tests.conftest import INPUTS
from tests.measure.oracle import OracleAdapter

ORACLE = "tests.measure.oracle:OracleAdapter"


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    python = Path(sys.executable)
    environment = Environment(framework=ORACLE, path=python.parent.parent, python=python, torch_backend="cpu")
    with Hosts("cpu", {ORACLE: environment}, "ahead", tmp_path) as hosts:
        hosts.start_all()
        assert not hosts.failures
        yield hosts


def workers() -> set[int]:
    """Process ids of all workers that live."""
    alive = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return {child.pid for child in alive if any(word.endswith("worker.py") for word in child.cmdline())}


def test_the_worker_that_told_what_a_framework_is_becomes_its_first_cell(hosts: Hosts) -> None:
    (first,) = workers()
    assert hosts.not_yet_ahead([ORACLE] * 3) == [ORACLE] * 2
    assert hosts.for_cell(ORACLE).process.pid == first


def test_workers_that_were_started_ahead_become_the_next_cells_each_once(hosts: Hosts) -> None:
    hosts.stop_waiting()
    assert hosts.start_ahead([ORACLE] * 3)
    waiting = workers()
    assert hosts.waiting_pids == waiting
    assert hosts.next_pid(ORACLE) in waiting
    cells = [hosts.for_cell(ORACLE) for _ in range(3)]
    assert workers() == waiting
    assert {cell.process.pid for cell in cells} == waiting
    assert len({cell.process.pid for cell in cells}) == 3


def test_nothing_more_is_started_while_the_next_cell_s_worker_waits(hosts: Hosts) -> None:
    hosts.for_cell(ORACLE)
    hosts.start_ahead([ORACLE] * 2)
    hosts.for_cell(ORACLE)
    before = workers()
    assert not hosts.start_ahead([ORACLE] * 3)
    assert workers() == before


def test_the_time_of_a_start_does_not_hold_the_wait_for_its_turn(hosts: Hosts) -> None:
    time.sleep(3)
    hosts.for_cell(ORACLE)
    assert hosts.facts[ORACLE].start_seconds < 3


def test_stopping_the_cells_ends_one_that_another_thread_watches(hosts: Hosts, tiny_job: Job, tmp_path: Path) -> None:
    job = dataclasses.replace(tiny_job, max_steps=1000)
    place = tmp_path / "cell"
    place.mkdir()
    config = configure(OracleAdapter(step_seconds=0.1), job, INPUTS, hosts, place)
    limits = Limits(timeout_seconds=60, silence_seconds=30)
    steps, ended = threading.Event(), list[Ended]()

    def watch() -> None:
        trained = train(
            ORACLE,
            config,
            hosts=hosts,
            folder=place,
            limits=limits,
            steps=job.max_steps,
            audited=False,
            on_event=lambda event: steps.set() if event["event"] == "step_ends" else None,
        )
        ended.append(trained.ended)

    watching = threading.Thread(target=watch)
    watching.start()
    assert steps.wait(30)
    hosts.stop_cells()
    watching.join(30)
    assert [one.outcome for one in ended] == ["killed"]
    assert workers() == set()


def test_a_worker_that_dies_while_it_waits_costs_no_cell(hosts: Hosts) -> None:
    (waiting,) = workers()
    psutil.Process(waiting).kill()
    psutil.wait_procs([psutil.Process(waiting)] if psutil.pid_exists(waiting) else [], timeout=5)
    host = hosts.for_cell(ORACLE)
    assert host.process.poll() is None
    assert host.process.pid != waiting


def test_workers_that_were_not_needed_are_ended(hosts: Hosts) -> None:
    hosts.import_ahead([ORACLE])
    assert len(workers()) == 2
    hosts.stop_waiting()
    assert workers() == set()
    assert hosts.next_pid(ORACLE) is None


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
    with Hosts("cpu", {ORACLE: environment}, "warm", tmp_path) as hosts:
        hosts.start_all()
        (worker,) = workers()

        def ended(name: str, *, disturbed: bool) -> Ended:
            def disturb(event: Event) -> None:
                if disturbed and when == "in the cell" and event["event"] == "step_ends":
                    os.kill(worker, number)

            place = tmp_path / name
            place.mkdir()
            config = configure(OracleAdapter(step_seconds=0.05), tiny_job, INPUTS, hosts, place)
            limits = Limits(timeout_seconds=60, silence_seconds=30)
            told = {"hosts": hosts, "folder": place, "limits": limits, "steps": tiny_job.max_steps}
            return train(ORACLE, config, audited=False, on_event=disturb, **told).ended  # type: ignore[arg-type]

        if when == "before the cell":
            os.kill(worker, number)
        first, second = ended("first", disturbed=True), ended("second", disturbed=False)
    assert first.outcome in ("crashed", "killed")
    assert words in first.reason
    assert second.outcome == "ok", second.reason


def test_a_worker_that_cannot_be_started_fails_its_cell_alone(tmp_path: Path) -> None:
    nowhere = Environment(framework=ORACLE, path=tmp_path, python=tmp_path / "no-python", torch_backend="cpu")
    with Hosts("cpu", {ORACLE: nowhere}, "ahead", tmp_path) as hosts:
        hosts.start_all()
        assert not hosts.start_ahead([ORACLE])
        with pytest.raises(HostFailure, match="could not be started"):
            hosts.for_cell(ORACLE)
