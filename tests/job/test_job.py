from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.job.job import PROJECTIONS, Job, JobError, ModelShape
from harness.job.recipe import Choices, resolve


def gpu_job() -> Job:
    return resolve(Choices(profile="gpu"), gpu_present=True).jobs["lora"]


def test_the_parameter_count_is_that_of_qwen3_0_6b() -> None:
    assert gpu_job().shape.parameters == 596_049_920


def test_the_lora_parameter_counts_are_those_of_qwen3_0_6b_at_rank_16() -> None:
    job = gpu_job()
    assert job.trainable_parameters == 10_092_544
    attention = dataclasses.replace(job, target_modules=PROJECTIONS[:4])
    assert attention.trainable_parameters == 4_587_520


def test_full_fine_tuning_trains_every_parameter() -> None:
    job = dataclasses.replace(gpu_job(), method="full")
    assert job.trainable_parameters == job.shape.parameters


@given(
    sequence_length=st.integers(2, 4096),
    micro_batch_size=st.integers(1, 64),
    gradient_accumulation_steps=st.integers(1, 64),
    steps=st.integers(2, 1000),
    learning_rate=st.floats(1e-8, 1.0),
    modules=st.sets(st.sampled_from(PROJECTIONS), min_size=1),
)
def test_a_job_survives_json_and_counts_its_tokens(
    sequence_length: int,
    micro_batch_size: int,
    gradient_accumulation_steps: int,
    steps: int,
    learning_rate: float,
    modules: set[str],
) -> None:
    job = dataclasses.replace(
        gpu_job(),
        sequence_length=sequence_length,
        micro_batch_size=micro_batch_size,
        gradient_accumulation_steps=gradient_accumulation_steps,
        max_steps=steps,
        warmup_steps=1,
        learning_rate=learning_rate,
        target_modules=tuple(sorted(modules)),
    )
    again = Job.from_dict(json.loads(json.dumps(job.as_dict())))
    assert again == job
    assert again.sha256 == job.sha256
    assert job.blocks * sequence_length == job.tokens_per_step * steps


def test_any_changed_knob_is_another_job() -> None:
    job = gpu_job()
    assert dataclasses.replace(job, seed=1).sha256 != job.sha256
    assert dataclasses.replace(job, lora_alpha=17).sha256 != job.sha256


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sequence_length", 1),
        ("sequence_length", 50_000),
        ("micro_batch_size", 0),
        ("max_steps", 0),
        ("warmup_steps", 25),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("lora_dropout", 1.0),
        ("max_grad_norm", -1.0),
        ("target_modules", ("q_proj", "lm_head")),
        ("target_modules", ()),
        ("target_modules", ("q_proj", "q_proj")),
        ("world_size", 2),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_name(key: str, value: object) -> None:
    with pytest.raises(JobError) as caught:
        dataclasses.replace(gpu_job(), **{key: value})  # type: ignore[arg-type]
    assert caught.value.key == key


@pytest.mark.parametrize(("key", "value"), [("num_key_value_heads", 3), ("head_dim", 63), ("vocab_size", 0)])
def test_a_shape_that_cannot_be_is_refused_by_its_name(key: str, value: int) -> None:
    shape: ModelShape = gpu_job().shape
    with pytest.raises(JobError) as caught:
        dataclasses.replace(shape, **{key: value})  # type: ignore[arg-type]
    assert caught.value.key == f"shape.{key}"
