"""How many changes of the job an adapter accepts."""

from __future__ import annotations

import dataclasses
from typing import Any

from harness.job.frameworks import load_adapter
from harness.job.inputs import Inputs
from harness.job.job import PROJECTIONS, Job
from harness.job.native import Unsupported, Workspace

CHANGES: tuple[tuple[str, Any], ...] = (
    ("method", "full"),
    ("method", "lora"),
    ("method", "qlora"),
    ("precision", "bf16"),
    ("attention", "eager"),
    ("attention", "flash_attention_2"),
    ("compile", True),
    ("gradient_checkpointing", True),
    ("optimizer", "adamw_torch"),
    ("lora_dropout", 0.1),
    ("target_modules", ("q_proj", "v_proj")),
    ("target_modules", ("gate_proj",)),
    ("lr_schedule", "linear"),
    ("lr_schedule", "cosine"),
    ("lr_warmup_steps", 1),
    ("weight_decay", 0.1),
    ("max_grad_norm", 0.0),
)
"""One change of the job each. The adapter says whether its framework can do it."""

NO_INPUTS = Inputs(
    model_path="/inputs/model",
    weight_files=("model.safetensors",),
    model_dtype="float32",
    blocks_path="/inputs/blocks",
    adapter_path="/inputs/adapter",
    model_source="",
    tokenizer_source="",
    dataset_source="",
    dataset_is_stand_in=False,
    model_sha256="",
    blocks_sha256="",
    adapter_sha256="",
)
"""Adapters translate paths but do not read them."""


def accepted_changes(framework: str, job: Job, workspace: Workspace) -> int:
    """Return how many of CHANGES the framework's adapter accepts, one at a time."""
    return sum(_accepts(framework, job, knob, value, workspace) for knob, value in CHANGES)


def _accepts(framework: str, job: Job, knob: str, value: Any, workspace: Workspace) -> bool:
    """True if an adapter accepts the job with one knob changed."""
    try:
        changed = dataclasses.replace(job, **{"target_modules": PROJECTIONS, knob: value})
        load_adapter(framework).configure(changed, NO_INPUTS, workspace)
    except Unsupported:
        return False
    return True
