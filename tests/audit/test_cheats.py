"""Every planted cheat is caught for the right reason. The honest five raise no alarm: tests/test_five_frameworks.py."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from adapters.base import Adapter, NativeConfig, Workspace
from harness.audit.passes import Auditor
from harness.environment.environment import Environment
from harness.execute.watch_cell import Limits
from harness.execute.worker_pool import WorkerPool
from harness.files.locations import cache_root
from harness.job.frameworks import FRAMEWORKS, REFERENCE, REFERENCE_ENVIRONMENT, load_adapter
from harness.job.inputs import Inputs
from harness.job.job import Job
from harness.job.plan import Entry
from harness.job.recipe import Choices, resolve
from harness.prepare import prepare
from harness.prepare.blocks import DATA_FILE, save_blocks
from tests.audit.cheats import CHEATS, Cheat, in_bf16
from tests.conftest import FEW_TOKENS, SMALL

pytestmark = pytest.mark.slow

CHEATING = "tests.audit.sabotage:CheatingTransformers"
"""Trains as transformers does unless a saboteur is named."""


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory, environments: dict[str, Environment]) -> Iterator[WorkerPool]:
    of_adapters = {name: environments[name] for name in FRAMEWORKS if name != "transformers"}
    of_adapters |= {CHEATING: environments["transformers"], REFERENCE: environments[REFERENCE_ENVIRONMENT]}
    with WorkerPool("cpu", of_adapters, "warm", tmp_path_factory.mktemp("cheats")) as workers:
        workers.start_all()
        assert not workers.failures
        yield workers


def asked_of(cheat: Cheat) -> Job:
    """The honest job."""
    settings = (*(FEW_TOKENS if cheat.few_tokens else SMALL), f"precision={cheat.precision}", *cheat.asked)
    choices = Choices(profile="cpu", methods=cheat.method, settings=settings)
    return resolve(choices, gpu_present=False).jobs[cheat.method]


@pytest.fixture(scope="module")
def auditor_of(workers: WorkerPool) -> Callable[[Job], Auditor]:
    """Each trains its reference once. The limits are wide: a loaded machine must not look like a cheat."""
    limits = Limits(timeout_seconds=1200, silence_seconds=600)
    return functools.cache(lambda job: Auditor(prepare(job, cache_root()), workers, limits, lambda event: None))


class Disguised(Adapter):
    """Configures the job that is really trained, whatever job it is asked for."""

    def __init__(self, cheat: Cheat, job: Job, inputs: Inputs) -> None:
        self.cheat = cheat
        self.job = job
        self.inputs = inputs

    def configure(self, job: Job, inputs: Inputs, workspace: Workspace) -> NativeConfig:
        config = load_adapter(self.cheat.framework).configure(self.job, self.inputs, workspace)
        options = dict(config.options)
        if self.cheat.options is not None:
            self.cheat.options(options)
        if self.cheat.saboteur is not None:
            options["saboteur"] = self.cheat.saboteur
        return dataclasses.replace(config, options=options)

    def train(self, config: NativeConfig, recorder: object) -> None:
        raise AssertionError("the worker loads the real adapter")


@pytest.mark.parametrize("cheat", CHEATS, ids=str)
def test_a_cheat_is_caught_for_the_right_reason(cheat: Cheat, auditor_of: Callable[[Job], Auditor]) -> None:
    asked = asked_of(cheat)
    job = dataclasses.replace(asked, **dict(cheat.job))
    host = CHEATING if cheat.framework == "transformers" else cheat.framework
    auditor = auditor_of(asked)
    entry = Entry(framework=host, track="parity", job=asked)
    verdict = auditor.verdict_on(entry, Disguised(cheat, job, _inputs(cheat, job, asked, auditor.inputs)))
    assert verdict.same_job == "no", verdict.reasons
    subjects = {finding.subject for finding in verdict.findings if finding.result == "differs"}
    assert cheat.caught_by in subjects, verdict.reasons


@pytest.mark.parametrize("none", [Cheat(name="none", caught_by=""), in_bf16("none", "")], ids=str)
def test_the_cheating_adapter_without_a_cheat_is_honest(none: Cheat, auditor_of: Callable[[Job], Auditor]) -> None:
    job = asked_of(none)
    auditor = auditor_of(job)
    entry = Entry(framework=CHEATING, track="parity", job=job)
    assert auditor.verdict_on(entry, Disguised(none, job, auditor.inputs)).reasons == ()


def _inputs(cheat: Cheat, job: Job, honest: Job, honest_inputs: Inputs) -> Inputs:
    """The inputs of the job that is really trained; the honest job's model and text unless the cheat spoils them."""
    seeded = honest.seed if cheat.model_seed is None else cheat.model_seed
    model = prepare(dataclasses.replace(job, seed=seeded, precision=honest.precision), cache_root())
    seeded = honest.seed if cheat.adapter_seed is None else cheat.adapter_seed
    adapter = prepare(dataclasses.replace(job, seed=seeded, precision=honest.precision), cache_root())
    inputs = dataclasses.replace(model, adapter_path=adapter.adapter_path)
    if cheat.blocks is None:
        return inputs
    path, _ = save_blocks(_spoilt(cheat.blocks, _blocks(honest_inputs)), cache_root())
    return dataclasses.replace(inputs, blocks_path=str(path))


def _blocks(inputs: Inputs) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    with pa.OSFile(str(Path(inputs.blocks_path) / DATA_FILE)) as source, pa.ipc.open_stream(source) as reader:
        return np.array(reader.read_all().column("input_ids").to_pylist(), dtype=np.int64)


def _spoilt(
    how: str, blocks: np.ndarray[tuple[int, int], np.dtype[np.int64]]
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    spoilt = blocks.copy()
    if how == "shuffled":
        return np.random.default_rng(0).permutation(spoilt)
    if how == "repeated":
        spoilt[5] = spoilt[4]
    elif how == "padded":
        spoilt[:, -8:] = 151643
    elif how == "shortened":
        spoilt = spoilt[:, :16]
    return spoilt
