"""Timed runs of a result's GGUF files: rounds over the files, each file in a fresh process, in random order."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.execute.tasks import TaskFailure, Tasks
from harness.job.frameworks import LLAMA_CPP
from harness.job.job import Job
from harness.prepare.held_out import HeldOut
from harness.records.deployments import DeploymentRecord, TimedRun
from harness.studies.deploy.kept_files import gguf_name
from harness.studies.deploy.workload import CONTEXT_SIZES, GENERATED_TOKENS, PROMPT_TOKENS


def other_thread_counts(threads: int) -> tuple[int, ...]:
    """Return the further thread counts with which a run generates, to see whether bandwidth predicts them."""
    return (1,) if threads > 1 else ()


def timed(
    record: DeploymentRecord,
    folder: Path,
    job: Job,
    held_out: HeldOut,
    repeats: int,
    tasks: Tasks,
    stage: Callable[[str], None],
) -> DeploymentRecord:
    """Return the record with its timed runs, and the memory of each context size. Raises TaskFailure."""
    runs: dict[str, list[TimedRun]] = {file.quantization: [] for file in record.files}
    for repeat in range(1, repeats + 1):
        order = list(runs)
        random.Random(f"{job.seed}/{record.title}/{repeat}").shuffle(order)
        for name in order:
            stage(f"{record.title}: running {name} ({repeat} of {repeats})")
            more = {"other_threads": other_thread_counts(record.threads), "generated_tokens": GENERATED_TOKENS}
            facts = tasks.run(LLAMA_CPP, "llama_cpp.run_task", {**_task(folder, name, held_out, record), **more})
            runs[name].append(_run(facts, repeat))
    memory: dict[str, dict[int, int]] = {}
    sizes = [size for size in CONTEXT_SIZES if size <= job.shape.max_position_embeddings]
    for name in runs:
        stage(f"{record.title}: measuring the memory of contexts with {name}")
        memory[name] = {}
        for size in sizes:
            task = {**_task(folder, name, held_out, record), "context_size": size}
            # A context may be too large for this machine: it stays unmeasured.
            with contextlib.suppress(TaskFailure):
                held = tasks.run(LLAMA_CPP, "llama_cpp.context_task", task)["peak_rss_bytes"]
                memory[name][size] = int(held)
    files = tuple(
        file.model_copy(update={"runs": tuple(runs[file.quantization]), "context_rss_bytes": memory[file.quantization]})
        for file in record.files
    )
    return record.model_copy(update={"files": files})


def _task(folder: Path, name: str, held_out: HeldOut, record: DeploymentRecord) -> dict[str, Any]:
    return {
        "gguf_path": str(folder / gguf_name(name)),
        "tokens_path": str(held_out.path),
        "threads": record.threads,
        "prompt_tokens": min(PROMPT_TOKENS, held_out.tokens_per_block),
    }


def _run(facts: Mapping[str, Any], repeat: int) -> TimedRun:
    return TimedRun(
        repeat=repeat,
        first_token_seconds=facts["first_token_seconds"],
        prompt_tokens_per_second=facts["prompt_tokens_per_second"],
        generation_tokens_per_second={int(n): rate for n, rate in facts["generation_tokens_per_second"].items()},
        peak_rss_bytes=facts["peak_rss_bytes"],
    )
