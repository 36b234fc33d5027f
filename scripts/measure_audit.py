"""What the audit costs, and what its reference holds, at Qwen3-0.6B's shape: `measure_audit.py [PAIRS [METHOD ...]]`.

Each process trains two steps of 64 tokens on the CPU, before the audit's hooks and without, one after the other in
pairs; printed are the seconds from a process's start to its end on either side, and their difference: the harness's own
share. Then plain transformers and the reference train a layer-scaled job whose logits dominate, and their peaks of the
resident set are printed with the ratio.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from adapters.base import Adapter
from adapters.instruments.reference.adapter import ReferenceAdapter
from harness.environment.build import build_environments
from harness.environment.environment import Environment
from harness.execute.events import PeakMemory, first_of
from harness.execute.training import Trained, Trainer
from harness.execute.watch_cell import Limits
from harness.execute.worker_pool import WorkerPool
from harness.files.locations import cache_root
from harness.job.frameworks import BASELINE, REFERENCE, REFERENCE_ENVIRONMENT, load_adapter
from harness.job.inputs import Inputs
from harness.job.job import Job
from harness.job.recipe import Choices, resolve
from harness.prepare import prepare

LIMITS = Limits(timeout_seconds=3600, silence_seconds=3600)
SHAPE = (
    "shape.hidden_size=1024",
    "shape.intermediate_size=3072",
    "shape.num_attention_heads=16",
    "shape.num_key_value_heads=8",
    "shape.head_dim=128",
)
FULL = (
    *SHAPE,
    "shape.num_hidden_layers=28",
    "sequence_length=64",
    "micro_batch_size=1",
    "gradient_accumulation_steps=1",
    "max_steps=2",
    "warmup_steps=1",
)
LARGE_LOGITS = (
    *SHAPE,
    "shape.num_hidden_layers=4",
    "sequence_length=1024",
    "micro_batch_size=3",
    "gradient_accumulation_steps=1",
    "max_steps=2",
    "warmup_steps=1",
)


def main(pairs: int, methods: Sequence[str]) -> None:
    """Print two Markdown tables."""
    built = build_environments(
        [REFERENCE_ENVIRONMENT], torch_backend="auto", cache=cache_root(), progress=lambda _: None
    )
    environment = built[REFERENCE_ENVIRONMENT]
    if not isinstance(environment, Environment):
        sys.exit(str(environment))
    environments = {BASELINE: environment, REFERENCE: environment}
    with tempfile.TemporaryDirectory() as scratch, WorkerPool("cpu", environments, "warm", Path(scratch)) as workers:
        workers.start_all()
        print("| method | audited, s | not audited, s | the harness's own share, s |")
        print("| --- | --- | --- | --- |")
        for method in methods:
            job, inputs = asked(method, FULL)
            seconds: dict[bool, list[float]] = {True: [], False: []}
            for _ in range(pairs):
                for audited in (True, False):
                    seconds[audited].append(
                        wall(trained(BASELINE, load_adapter(BASELINE), job, inputs, workers, audited))
                    )
            shares = [a - b for a, b in zip(seconds[True], seconds[False], strict=True)]
            measured = (seconds[True], seconds[False], shares)
            print(f"| {method} | {' | '.join(f'{statistics.median(values):.1f}' for values in measured)} |", flush=True)
        print("\n| method | transformers, GiB | reference, GiB | ratio |")
        print("| --- | --- | --- | --- |")
        for method in methods:
            job, inputs = asked(method, LARGE_LOGITS)
            plain = peak(trained(BASELINE, load_adapter(BASELINE), job, inputs, workers, audited=False))
            reference = peak(trained(REFERENCE, ReferenceAdapter(), job, inputs, workers, audited=False))
            print(f"| {method} | {plain / 2**30:.2f} | {reference / 2**30:.2f} | {reference / plain:.2f} |", flush=True)


def asked(method: str, settings: Sequence[str]) -> tuple[Job, Inputs]:
    """Return the job and its inputs."""
    choices = Choices(profile="cpu", methods=method, settings=tuple(settings))
    (job,) = resolve(choices, gpu_present=False).jobs.values()
    return job, prepare(job, cache_root())


def trained(framework: str, adapter: Adapter, job: Job, inputs: Inputs, workers: WorkerPool, audited: bool) -> Trained:
    """Train in one process."""
    done = Trainer(workers=workers, limits=LIMITS).train_once(framework, adapter, job, inputs, audited=audited)
    if done.ended.outcome != "ok":
        sys.exit(f"{framework}: {done.ended.outcome}: {done.ended.reason}")
    return done


def wall(done: Trained) -> float:
    """Return the seconds from the process's start to its end."""
    return done.ended.ended_at - done.ended.requested_at


def peak(done: Trained) -> float:
    """Return the process's largest resident set, in bytes."""
    peaks = first_of(PeakMemory, done.ended.events)
    return float((peaks and peaks.peak_rss_bytes) or 0)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, sys.argv[2:] or ["lora", "qlora", "full"])
