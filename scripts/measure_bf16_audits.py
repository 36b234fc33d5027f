"""Whether an honest framework is ever called another job in bf16: `measure_bf16_audits.py [SEEDS [METHOD ...]]`.

Every framework trains a random Qwen3 of two layers in bf16 on the CPU, by each method, with each seed and with a
constant and a cosine schedule, and is audited. Prints a line per job and each alarm, and exits with 1 if there was one.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from harness.audit.passes import Auditor
from harness.environment.build import build_environments
from harness.environment.environment import Environment
from harness.execute.watch_cell import Limits
from harness.execute.worker_pool import WorkerPool
from harness.files.locations import cache_root
from harness.job.frameworks import FRAMEWORKS, REFERENCE, REFERENCE_ENVIRONMENT, load_adapter
from harness.job.job import Job
from harness.job.plan import Entry
from harness.job.recipe import Choices, resolve
from harness.prepare import prepare

LIMITS = Limits(timeout_seconds=1200, silence_seconds=600)
SCHEDULES = ("constant", "cosine")
SMALL = (
    "precision=bf16",
    "sequence_length=16",
    "micro_batch_size=1",
    "gradient_accumulation_steps=1",
    "max_steps=20",
    "warmup_steps=1",
    "shape.num_hidden_layers=2",
    "shape.hidden_size=128",
    "shape.intermediate_size=256",
    "shape.num_key_value_heads=4",
    "shape.head_dim=32",
)


def main(seeds: int, methods: list[str]) -> int:
    """Audit everything. Return 1 if there was an alarm, else 0."""
    built = build_environments(FRAMEWORKS, torch_backend="auto", cache=cache_root(), progress=lambda _: None)
    environments: dict[str, Environment] = {}
    for name, environment in built.items():
        if not isinstance(environment, Environment):
            sys.exit(str(environment))
        environments[name] = environment
    environments[REFERENCE] = environments[REFERENCE_ENVIRONMENT]
    alarms = 0
    with tempfile.TemporaryDirectory() as scratch, WorkerPool("cpu", environments, "warm", Path(scratch)) as workers:
        workers.start_all()
        for method in methods:
            for schedule in SCHEDULES:
                for seed in range(seeds):
                    alarms += alarms_of(job_of(method, schedule, seed), workers)
    return min(alarms, 1)


def job_of(method: str, schedule: str, seed: int) -> Job:
    """Return a small job in bf16."""
    settings = (*SMALL, f"lr_schedule={schedule}")
    (job,) = resolve(
        Choices(profile="cpu", methods=method, seed=seed, settings=settings), gpu_present=False
    ).jobs.values()
    return job


def alarms_of(job: Job, workers: WorkerPool) -> int:
    """Return how many frameworks are called another job, and print their reasons."""
    auditor = Auditor(prepare(job, cache_root()), workers, LIMITS, lambda _: None)
    verdicts = [
        auditor.verdict_on(Entry(framework=name, track="parity", job=job), load_adapter(name)) for name in FRAMEWORKS
    ]
    alarms = [verdict for verdict in verdicts if verdict.same_job == "no"]
    audited = sum(verdict.same_job != "not audited" for verdict in verdicts)
    print(f"{job.method}, {job.lr_schedule}, seed {job.seed}: {len(alarms)} alarms of {audited} audited", flush=True)
    for verdict in alarms:
        print(f"  {verdict.framework}: {'; '.join(verdict.reasons)}", flush=True)
    return len(alarms)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10, sys.argv[2:] or ["lora", "qlora", "full"]))
