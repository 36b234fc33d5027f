"""Audits side by side on a GPU. None is timed, so they only have to fit into its memory together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

from harness.execute.worker_pool import WorkerPool
from harness.job.frameworks import REFERENCE
from harness.job.job import Job
from harness.machine.gpu import first_gpu
from harness.machine.host import training_threads

BYTES_PER_PARAMETER = 16
"""fp32 weights, gradients and two Adam moments: more than any method of training holds per parameter."""
BYTES_PER_LOGIT = 24
"""bf16 and fp32 logits, their softmax and their gradients, of a framework that keeps them all."""
REFERENCE_BYTES_PER_PARAMETER = 24
"""As above, plus a copy that shows what moved, plus the output layer's gradient in fp32."""
REFERENCE_BYTES = 4 * 2**30
"""The reference's activations (it keeps those of one layer) and the logits of a few rows."""
THREADS_EACH = 2
"""One thread queues the device's work; one hashes and sums."""


class Room:
    """A GPU's memory, shared out to processes that ask for a part. Without a limit nobody waits."""

    def __init__(self, limit_bytes: int | None) -> None:
        self.limit_bytes = limit_bytes
        self._held: list[int] = []
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taken_by(self, held_bytes: int) -> Iterator[None]:
        """Wait until that much is free, or until no other process holds any. A request that fits nowhere runs alone."""
        with self._changed:
            self._changed.wait_for(lambda: self._fits(held_bytes))
            self._held.append(held_bytes)
        try:
            yield
        finally:
            with self._changed:
                self._held.remove(held_bytes)
                self._changed.notify_all()

    def _fits(self, held_bytes: int) -> bool:
        return self.limit_bytes is None or not self._held or sum(self._held) + held_bytes <= self.limit_bytes


def room_for_audits(workers: WorkerPool) -> Room:
    """Return the GPU memory that audits share; no limit on a CPU, where one audit runs at a time."""
    gpu = first_gpu() if workers.device == "cuda" else None
    return Room(None if gpu is None else gpu.memory_bytes)


def audits_at_once(workers: WorkerPool) -> int:
    """Return how many audits the machine can feed; one on a CPU, where one process can use all cores."""
    if workers.device != "cuda" or workers.start == "warm":
        return 1
    return max(1, training_threads() // THREADS_EACH)


def roughly_held_bytes(framework: str, job: Job) -> int:
    """Return a generous estimate of the most bytes that a process holds while it trains the job."""
    if framework == REFERENCE:
        return REFERENCE_BYTES_PER_PARAMETER * job.shape.parameters + REFERENCE_BYTES
    logits = job.micro_batch_size * job.sequence_length * job.shape.vocab_size
    return BYTES_PER_PARAMETER * job.shape.parameters + BYTES_PER_LOGIT * logits


def ahead_of(processes: Sequence[str], workers: WorkerPool) -> Iterator[None]:
    """Import for the next processes, as many at once as there are threads; more at each `next`.

    Call it from a thread that outlives the workers: a worker ends with the thread that started it.
    """
    width = training_threads()
    workers.import_ahead(workers.not_yet_ahead(processes[:width]))
    yield
    for framework in processes[width:]:
        workers.import_ahead([framework])
        yield
    while True:
        yield
