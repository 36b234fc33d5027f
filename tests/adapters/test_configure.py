"""Every adapter says every knob of the job, purely: no framework is installed where these tests run."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import Any

import pytest

from adapters.base import NativeConfig, Unsupported, Workspace
from harness.job.frameworks import FRAMEWORKS, load_adapter
from harness.job.job import METHODS, Job
from tests.conftest import INPUTS

CPU = Workspace(device="cpu", output_path="/scratch/output")

CHANGES: dict[str, Any] = {
    "micro_batch_size": 7,
    "gradient_accumulation_steps": 5,
    "max_steps": 77,
    "learning_rate": 7e-5,
    "adam_beta1": 0.7,
    "adam_beta2": 0.77,
    "adam_epsilon": 7e-7,
    "lr_schedule": "cosine",
    "lr_warmup_steps": 3,
    "max_grad_norm": 0.7,
    "gradient_checkpointing": True,
    "seed": 77,
}
"""Knobs that every framework can do, with values that differ from the recipe's."""
LORA_CHANGES: dict[str, Any] = {"lora_rank": 7, "lora_alpha": 77, "lora_dropout": 0.07, "target_modules": ("q_proj",)}
IN_THE_SHARED_ADAPTER = {"transformers"}
"""It takes rank, alpha, dropout and layers from the adapter's own config."""


def configure(framework: str, job: Job, workspace: Workspace = CPU) -> NativeConfig:
    inputs = INPUTS if job.uses_lora else dataclasses.replace(INPUTS, adapter_path=None)
    return load_adapter(framework).configure(job, inputs, workspace)


def text(config: NativeConfig) -> str:
    return json.dumps(config.options, sort_keys=True)


def test_no_framework_is_imported_by_configuring(small_job: Job) -> None:
    for framework in FRAMEWORKS:
        configure(framework, small_job)
    assert not {"torch", "transformers", "unsloth", "axolotl", "torchtune", "llamafactory"} & set(sys.modules)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("method", METHODS)
def test_a_config_is_plain_and_names_the_shared_inputs(framework: str, method: str, small_job: Job) -> None:
    config = configure(framework, dataclasses.replace(small_job, method=method))  # type: ignore[arg-type]
    options = text(config)
    assert "/inputs/model" in options
    assert "/inputs/blocks" in options
    assert ("/inputs/adapter" in options) == (method != "full")
    assert "/scratch/output" in options
    assert json.loads(options) == json.loads(json.dumps(dict(config.options)))


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("knob", CHANGES)
def test_every_knob_reaches_the_config(framework: str, knob: str, small_job: Job) -> None:
    changed = dataclasses.replace(small_job, **{knob: CHANGES[knob]})
    assert text(configure(framework, changed)) != text(configure(framework, small_job)), knob


@pytest.mark.parametrize("framework", sorted(set(FRAMEWORKS) - IN_THE_SHARED_ADAPTER))
@pytest.mark.parametrize("knob", LORA_CHANGES)
def test_every_lora_knob_reaches_the_config(framework: str, knob: str, small_job: Job) -> None:
    changed = dataclasses.replace(small_job, **{knob: LORA_CHANGES[knob]})
    assert text(configure(framework, changed)) != text(configure(framework, small_job)), knob


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("precision", "bf16"),
        ("attention", "eager"),
        ("compile", True),
        ("weight_decay", 0.1),
        ("optimizer", "adamw_torch"),
    ],
)
@pytest.mark.parametrize("method", ["lora", "full"])
def test_what_not_all_can_do_reaches_the_config_or_is_refused_with_a_reason(
    framework: str, knob: str, value: object, method: str, small_job: Job
) -> None:
    job = dataclasses.replace(small_job, method=method)  # type: ignore[arg-type]
    changed = dataclasses.replace(job, **{knob: value})  # type: ignore[arg-type]
    unchanged = text(configure(framework, job))
    try:
        said = text(configure(framework, changed))
    except Unsupported as reason:
        said = str(reason)
    assert said != unchanged
    assert len(said) > 20


def test_torchtune_refuses_what_its_nf4_cannot_hold(small_job: Job) -> None:
    shape = dataclasses.replace(small_job.shape, intermediate_size=700)
    with pytest.raises(Unsupported, match="16384"):
        configure("torchtune", dataclasses.replace(small_job, method="qlora", shape=shape))


def test_llamafactory_refuses_to_freeze_weights_in_another_precision(small_job: Job) -> None:
    bf16_weights = dataclasses.replace(INPUTS, model_dtype="bfloat16")
    with pytest.raises(Unsupported, match="bfloat16"):
        load_adapter("llamafactory").configure(small_job, bf16_weights, CPU)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_nothing_trusts_remote_code_or_reports_anywhere(framework: str, small_job: Job) -> None:
    options = text(configure(framework, small_job))
    assert '"trust_remote_code": true' not in options
    for reporter in ("wandb_project", "mlflow", "swanlab"):
        assert reporter not in options
