"""The ceiling trains the same job when it is compiled, too; uncompiled see tests/job/test_tuned.py."""

from __future__ import annotations

import dataclasses
import shutil
import sysconfig
from pathlib import Path

import pytest

from harness.audit.passes import Auditor
from harness.environment.environment import Environment
from harness.execute.watch_cell import Limits
from harness.execute.worker_pool import WorkerPool
from harness.files.locations import cache_root
from harness.job.frameworks import CEILING, REFERENCE, REFERENCE_ENVIRONMENT, load_adapter
from harness.job.plan import Entry
from harness.job.recipe import Choices, resolve
from harness.prepare import prepare
from tests.conftest import SMALL

CAN_COMPILE = bool(shutil.which("g++")) and Path(sysconfig.get_path("include"), "Python.h").is_file()


@pytest.mark.slow
@pytest.mark.skipif(not CAN_COMPILE, reason="torch.compile needs g++ and Python's headers on a CPU")
@pytest.mark.parametrize("method", ["lora", "qlora", "full"])
def test_the_compiled_ceiling_trains_the_same_job(
    method: str, environments: dict[str, Environment], tmp_path: Path
) -> None:
    settings = (*SMALL, "compile=true", "shape.num_hidden_layers=2")
    (job,) = resolve(Choices(profile="cpu", methods=method, settings=settings), gpu_present=False).jobs.values()
    job = dataclasses.replace(job, micro_batch_size=4, gradient_accumulation_steps=1)
    environment = environments[REFERENCE_ENVIRONMENT]
    with WorkerPool("cpu", {CEILING: environment, REFERENCE: environment}, "warm", tmp_path) as workers:
        workers.start_all()
        limits = Limits(timeout_seconds=300, silence_seconds=300)
        auditor = Auditor(prepare(job, cache_root()), workers, limits, lambda event: None)
        verdict = auditor.verdict_on(Entry(framework=CEILING, track="tuned", job=job), load_adapter(CEILING))
    assert (verdict.same_job, verdict.reasons) == ("yes", ())
    got = {finding.subject: finding.got for finding in verdict.findings}
    assert got["compile"] == "on"
