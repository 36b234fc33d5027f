"""Audits side by side say what audits one after the other say, and leave nothing behind when they are stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import harness as package
from harness.audit.in_parallel import Room, roughly_held_bytes
from harness.audit.passes import audit_all
from harness.audit.verdict import Verdict
from harness.environment.environment import Environment
from harness.execute.watch_cell import Limits
from harness.execute.worker_pool import WorkerPool
from harness.files.locations import SOURCE_ROOT, cache_root
from harness.job.frameworks import REFERENCE, REFERENCE_ENVIRONMENT
from harness.job.job import Job
from harness.job.plan import Entry
from harness.job.recipe import Choices, resolve
from harness.prepare import prepare


@pytest.fixture
def verdicts(
    environments: dict[str, Environment], small_job: Job, tmp_path: Path
) -> Iterator[Callable[[Callable[[Entry], None]], list[Verdict]]]:
    """Audits transformers and torchtune at once, beside the reference."""
    chosen = {name: environments[name] for name in ("transformers", "torchtune")}
    with WorkerPool("cpu", {**chosen, REFERENCE: environments[REFERENCE_ENVIRONMENT]}, "cold", tmp_path) as workers:
        workers.start_all()
        entries = [Entry(framework=name, track="parity", job=small_job) for name in chosen]
        limits = Limits(timeout_seconds=600, silence_seconds=600)
        inputs = {small_job.method: prepare(small_job, cache_root())}
        yield lambda begins: list(audit_all(entries, inputs, workers, limits, begins, lambda event: None, at_once=3))


@pytest.mark.slow
def test_audits_side_by_side_find_the_same_job(verdicts: Callable[[Callable[[Entry], None]], list[Verdict]]) -> None:
    found = verdicts(lambda entry: None)
    assert {(verdict.framework, verdict.same_job) for verdict in found} == {
        ("transformers", "yes"),
        ("torchtune", "yes"),
    }


@pytest.mark.slow
def test_an_interrupt_ends_all_that_is_audited(verdicts: Callable[[Callable[[Entry], None]], list[Verdict]]) -> None:
    def interrupted(entry: Entry) -> None:
        if entry.framework == "torchtune":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verdicts(interrupted)
    assert not [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


def test_a_process_is_taken_to_hold_more_than_what_was_ever_seen_of_it() -> None:
    seen = package.load_results(SOURCE_ROOT / "results" / "reference-h200-lora").gpu_process_peak_bytes
    assert (
        roughly_held_bytes("transformers", resolve(Choices(profile="gpu"), gpu_present=True).jobs["lora"]) > seen.max()
    )


def test_processes_wait_for_room_and_what_fits_nowhere_runs_alone() -> None:
    room, held, most = Room(100), [0], []
    lock = threading.Lock()

    def work(size: int) -> None:
        with room.taken_by(size):
            with lock:
                held[0] += size
                most.append(held[0])
            time.sleep(0.01)
            with lock:
                held[0] -= size

    sizes = [60, 30, 60, 10, 150, 40, 100, 5]
    threads = [threading.Thread(target=work, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(most) == len(sizes)
    assert max(size for size in most if size != 150) <= 100
    assert 150 in most


def test_the_reference_of_a_large_micro_batch_fits_beside_nothing_that_it_needs() -> None:
    """80 GB hold it, and each framework by itself; see adapters/instruments/reference/README.md."""
    for job in resolve(Choices(profile="gpu-80gb", methods="all"), gpu_present=True).jobs.values():
        assert roughly_held_bytes(REFERENCE, job) < 20 * 2**30
        assert roughly_held_bytes("transformers", job) < 79 * 10**9
