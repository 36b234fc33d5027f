"""How many audited processes a GPU may hold side by side: none of them is timed, so they need not be alone on it."""

from __future__ import annotations

from collections.abc import Sequence

from harness.execute.hosts import Hosts
from harness.job import Job
from harness.measure.gpu import first_gpu
from harness.measure.host import training_threads

BYTES_PER_PARAMETER = 16
"""fp32 weights, gradients and two moments of Adam: more than any method of training holds of them."""
BYTES_PER_LOGIT = 24
"""bf16 and fp32 logits, their softmax and their gradients, of a framework that keeps them all."""
THREADS_EACH = 2
"""One that queues the device's work and one that hashes and sums."""


def audits_at_once(jobs: Sequence[Job], hosts: Hosts) -> int:
    """As many as surely fit into the GPU's memory; one on a CPU, whose cores one process can use."""
    gpu = first_gpu() if hosts.device == "cuda" else None
    if gpu is None or hosts.start == "warm" or not jobs:
        return 1
    room = gpu.memory_bytes // max(roughly_held_bytes(job) for job in jobs)
    return max(1, min(room, training_threads() // THREADS_EACH, len(jobs)))


def roughly_held_bytes(job: Job) -> int:
    """What a process that trains the job holds at most, generously."""
    logits = job.micro_batch_size * job.sequence_length * job.shape.vocab_size
    return BYTES_PER_PARAMETER * job.shape.parameters + BYTES_PER_LOGIT * logits
