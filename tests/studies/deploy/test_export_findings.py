"""Every fault that is planted in a real export is found for the right reason, and an honest export has none."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.audit.findings import Finding
from harness.environment.environment import Environment
from harness.execute.tasks import Tasks
from harness.execute.training import Trainer
from harness.execute.watch_cell import Limits
from harness.execute.worker_pool import WorkerPool
from harness.files.locations import cache_root
from harness.job.frameworks import BASELINE, load_adapter
from harness.job.job import Job
from harness.job.recipe import Choices, resolve
from harness.prepare import prepare
from harness.prepare.held_out import HeldOut, held_out_blocks
from harness.studies.deploy.export_findings import export_findings
from harness.studies.deploy.result import EXPORT, LOADING, TRAINING, loading_task, training_task
from tests.conftest import SMALL

PLANTED = "tests.studies.deploy.planted:PlantedTransformers"
FAULTS = {
    "lost_adapter": "what training added",
    "half_an_adapter": "what training added",
    "adapter_twice": "logits",
    "untied": "embedding and head",
    "another_head": "embedding and head",
    "changed_embedding": "weights that are not trained",
    "lost_layer": "tensors",
    "other_rope": "config.json",
    "other_merges": "tokenizer",
    "other_end": "tokenizer",
    "no_tokenizer": "tokenizer",
}
"""The finding that must differ, by fault."""


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory, environments: dict[str, Environment]) -> Iterator[Tasks]:
    of_adapters = {PLANTED: environments[BASELINE], BASELINE: environments[BASELINE]}
    with WorkerPool("cpu", of_adapters, "warm", tmp_path_factory.mktemp("exports")) as workers:
        workers.start_all()
        assert not workers.failures
        yield Tasks(trainer=Trainer(workers=workers, limits=Limits(timeout_seconds=600, silence_seconds=300)))


def job_of(method: str, *settings: str) -> Job:
    choices = Choices(
        profile="cpu", methods=method, settings=(*SMALL, "shape.num_hidden_layers=2", "learning_rate=0.002", *settings)
    )
    return next(iter(resolve(choices, gpu_present=False).jobs.values()))


def findings_on(fault: str, job: Job, tasks: Tasks, way: Path) -> dict[str, Finding]:
    """The findings on a spoilt export, by subject."""
    inputs = prepare(job, cache_root())
    held_out: HeldOut = held_out_blocks(job, inputs, cache_root(), 2)
    honest = tasks.trainer.configure(load_adapter(BASELINE), job, inputs, way / "work")
    (way / "work").mkdir()
    config = dataclasses.replace(honest, options={**honest.options, "planted": fault})
    trained = tasks.run(PLANTED, TRAINING, training_task(config, job, inputs, held_out, way), steps=job.max_steps)
    loaded = tasks.run(BASELINE, LOADING, loading_task(job, inputs, held_out, way))
    found = export_findings(job, trained["kept"], loaded, Path(inputs.model_path), way / EXPORT)
    return {finding.subject: finding for finding in found}


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "subject"), FAULTS.items())
def test_a_planted_fault_is_found_for_the_right_reason(fault: str, subject: str, tasks: Tasks, tmp_path: Path) -> None:
    found = findings_on(fault, job_of("lora"), tasks, tmp_path)
    assert found[subject].result == "differs", found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("lora", ()),
        ("full", ()),
        ("qlora", ()),
        ("lora", ("shape.tie_word_embeddings=false",)),
        ("lora", ("lora_dropout=0.1", "lora_alpha=7")),
        ("full", ("precision=bf16",)),
        ("lora", ("precision=bf16",)),
    ],
)
def test_an_honest_export_has_no_fault(method: str, settings: tuple[str, ...], tasks: Tasks, tmp_path: Path) -> None:
    found = findings_on("nothing", job_of(method, *settings), tasks, tmp_path)
    assert {finding.result for finding in found.values()} == {"same"}, found
