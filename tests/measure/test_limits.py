"""The least that a job can do, against figures worked out by hand (Qwen3-0.6B's shape is the gpu profile's)."""

from __future__ import annotations

import dataclasses

import pytest

from harness.job.job import Job
from harness.job.recipe import Choices, resolve
from harness.machine.chip import Chip
from harness.measure.ceilings import against_limits
from harness.measure.limits import (
    attention_flops_per_token,
    flops_per_token,
    least_bytes_per_step,
    linear_parameters,
    matmul_parameters,
    memory_floor_bytes,
    weight_bytes,
)

MATMUL = 595_984_384
ATTENTION = 12 * 28 * 2048 * 2048 // 2
LORA = 10_092_544
LINEAR = 15_728_640 * 28


@pytest.fixture
def job() -> Job:
    """LoRA of Qwen3-0.6B at 2,048 tokens in bf16."""
    return resolve(Choices(profile="gpu", methods="lora"), gpu_present=True).jobs["lora"]


def test_every_weight_that_multiplies_a_token_is_counted_once(job: Job) -> None:
    assert matmul_parameters(job) == MATMUL
    assert linear_parameters(job) == LINEAR
    untied = dataclasses.replace(job, shape=dataclasses.replace(job.shape, tie_word_embeddings=False))
    assert matmul_parameters(untied) == MATMUL
    assert linear_parameters(untied) == LINEAR


def test_operations_per_token_differ_by_method_as_gradients_do(job: Job) -> None:
    assert attention_flops_per_token(job) == ATTENTION
    assert flops_per_token(dataclasses.replace(job, method="full")) == 6 * MATMUL + ATTENTION
    assert flops_per_token(job) == 4 * MATMUL + 6 * LORA + ATTENTION
    assert flops_per_token(dataclasses.replace(job, method="qlora")) == flops_per_token(job)


def test_weights_weigh_what_they_are_stored_as(job: Job) -> None:
    assert weight_bytes(dataclasses.replace(job, method="full")) == 2 * 596_049_920
    assert weight_bytes(job) == 2 * (596_049_920 + LORA)
    qlora = weight_bytes(dataclasses.replace(job, method="qlora"))
    assert qlora == pytest.approx(2 * (596_049_920 - LINEAR + LORA) + LINEAR * 4.127 / 8)


def test_the_memory_floor_holds_weights_gradients_state_and_a_hidden_state_per_layer(job: Job) -> None:
    full = dataclasses.replace(job, method="full", micro_batch_size=2)
    hidden = 29 * 2 * 2048 * 1024 * 2
    assert memory_floor_bytes(full) == 4 * 2 * 596_049_920 + hidden


def test_the_least_traffic_of_a_step_grows_with_accumulation_and_less_than_it(job: Job) -> None:
    full = dataclasses.replace(job, method="full", gradient_accumulation_steps=1)
    params = 2 * 596_049_920
    assert least_bytes_per_step(full) == 2 * params + params + 7 * params
    twice = dataclasses.replace(full, gradient_accumulation_steps=2)
    assert least_bytes_per_step(twice) == 2 * 3 * params + params + 7 * params


def test_a_cell_is_a_share_of_what_the_chip_reached(job: Job) -> None:
    chip = Chip(matmul_flops_per_second=700e12, copy_bytes_per_second=4e12)
    shares = against_limits(100_000.0, job.tokens_per_step / 100_000, job, chip)
    assert shares.model_flops_utilization == pytest.approx(100_000 * flops_per_token(job) / 700e12)
    assert shares.memory_bandwidth_share == pytest.approx(
        least_bytes_per_step(job) / (job.tokens_per_step / 100_000) / 4e12
    )


def test_without_ceilings_or_figures_there_is_no_share(job: Job) -> None:
    unknown = against_limits(None, None, job, Chip(reason="no torch"))
    assert unknown.model_flops_utilization is None
    assert unknown.memory_bandwidth_share is None
