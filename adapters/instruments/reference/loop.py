"""The reference's training: forward, backward, clip, step, and nothing else."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import datasets
import torch
from safetensors.torch import load_file

from harness.job.job import DTYPES, PROJECTIONS, Job

from ...base import LiveJob, Recorder
from . import four_bit
from .loss import mean_cross_entropy
from .qwen3 import Qwen3, load

OTHER_MASKS = {"other_masks_1": 101, "other_masks_2": 102, "other_masks_3": 103}
"""Added to the seed for other dropout masks."""
MOST_KEPT_TOKENS = 2048
"""For a larger micro batch only each layer's input is kept; the rest is recomputed, to the same numbers."""


def train(job: Job, options: dict[str, Any], recorder: Recorder) -> None:
    """Train `job` as adapters/instruments/reference/README.md says. `options`: see ReferenceAdapter.configure."""
    # The seed of dropout's masks. The weights come from files.
    torch.manual_seed(job.seed + OTHER_MASKS.get(options["variant"], 0))
    device = torch.device(options["device"])
    autocast = options["variant"] == "other_rounding" and job.precision == "bf16"
    model = load_model(job, options, torch.float32 if autocast else dtype_of(job), device=options["device"])
    model.train()
    optimizer = make_optimizer(model, job)
    rows = datasets.load_from_disk(options["blocks_path"]).with_format("torch")
    recorder.training_begins(
        LiveJob(model=model, optimizer=optimizer, attention=job.attention, canonical_name=lambda name: name)
    )
    at = 0
    for step in range(1, job.max_steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = job.learning_rate_at(step)
        total = 0.0
        for _ in range(job.gradient_accumulation_steps):
            batch = rows[at : at + job.micro_batch_size]
            at += job.micro_batch_size
            tokens, labels = batch["input_ids"].to(device), batch["labels"].to(device)
            with torch.autocast(device.type, torch.bfloat16) if autocast else contextlib.nullcontext():
                hidden = model(tokens, recompute=job.gradient_checkpointing or tokens.numel() > MOST_KEPT_TOKENS)
                loss = mean_cross_entropy(hidden, model.output_weight, labels)
            # The micro-batches have equally many labels, so the mean over all labels is the mean of their means.
            loss = loss / job.gradient_accumulation_steps
            loss.backward()
            total += float(loss.detach())
        norm = None
        if job.max_grad_norm:
            norm = float(torch.nn.utils.clip_grad_norm_(model.parameters(), job.max_grad_norm))
        optimizer.step()
        optimizer.zero_grad()
        recorder.step_ends()
        recorder.step_logged(step, loss=total, grad_norm=norm)


def load_model(
    job: Job, options: dict[str, Any], dtype: torch.dtype, *, device: str = "cpu", quantized: bool = True
) -> Qwen3:
    """Return the model with the checkpoint's weights and the initial adapter, frozen as the job says.

    `quantized`: round the weights as the job's quantization does, on the device.
    """
    with torch.device("meta"):
        model = Qwen3(job)
    weights: dict[str, torch.Tensor] = {}
    for name in options["weight_files"]:
        weights |= load_file(Path(options["model_path"]) / name, device=device)
    if quantized and job.quantization == "nf4":
        like_torchao = options["variant"] == "other_rounding"
        weights = {name: rounded_to_nf4(name, tensor, job, like_torchao) for name, tensor in weights.items()}
    if job.uses_lora:
        lora = load_file(Path(options["adapter_path"]) / "adapter_model.safetensors", device=device)
        weights |= {name.removeprefix("base_model.model."): tensor for name, tensor in lora.items()}
    load(model, {name: tensor.to(dtype) for name, tensor in weights.items()})
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not job.uses_lora or ".lora_" in name)
    return model


def dtype_of(job: Job) -> torch.dtype:
    """Return the job's precision as torch has it."""
    dtype: torch.dtype = getattr(torch, DTYPES[job.precision])
    return dtype


def rounded_to_nf4(name: str, tensor: torch.Tensor, job: Job, like_torchao: bool) -> torch.Tensor:
    """Return the values of a decoder layer's matrix after NF4. Other tensors stay as they are."""
    if not any(name.endswith(f".{projection}.weight") for projection in PROJECTIONS):
        return tensor
    in_dtype = tensor.to(dtype_of(job))
    return four_bit.as_torchao(in_dtype) if like_torchao else four_bit.as_bitsandbytes(in_dtype)


def make_optimizer(model: Qwen3, job: Job) -> torch.optim.AdamW:
    """Return AdamW over the trained parameters. Norm weights do not decay."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in trained if parameter.dim() > 1], "weight_decay": job.weight_decay},
        {"params": [parameter for parameter in trained if parameter.dim() == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=job.learning_rate,
        betas=(job.adam_beta1, job.adam_beta2),
        eps=job.adam_epsilon,
        fused=job.optimizer == "adamw_torch_fused",
    )
