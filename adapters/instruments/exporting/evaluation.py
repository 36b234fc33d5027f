"""What a causal language model makes of held-out blocks: its loss, and its logits for a comparison."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

RETURN_LOGITS = "UNSLOTH_RETURN_LOGITS"


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """The result of `evaluate`."""

    loss: float
    """Mean cross entropy in nats of every token but the first of each block."""
    logits: torch.Tensor
    """Of the first tokens of each block; float32 on the CPU, [blocks, compared_tokens, vocabulary]."""


def evaluate(model: Any, tokens_path: Path, compared_tokens: int) -> Evaluation:
    """Run a model without dropout over the blocks in `tokens_path`, one at a time.

    It is in its training mode: in the other, bitsandbytes 0.49 packs 4-bit weights for a CPU with AVX512-BF16, and a
    model that is trained afterwards learns other weights.
    """
    blocks = torch.from_numpy(np.load(tokens_path, allow_pickle=False).astype("int64"))
    device = next(parameter.device for parameter in model.parameters())
    losses, kept = [], []
    with torch.no_grad(), without_dropout(model), logits_returned():
        for block in blocks:
            logits = logits_of(model, block.reshape(1, -1).to(device))[0].float()
            losses.append(float(torch.nn.functional.cross_entropy(logits[:-1], block[1:].to(device)).double()))
            kept.append(logits[:compared_tokens].cpu().clone())
    return Evaluation(loss=sum(losses) / len(losses), logits=torch.stack(kept))


@contextlib.contextmanager
def without_dropout(model: Any) -> Iterator[None]:
    """Put a model into its training mode, but without dropout; then back."""
    modes = {module: module.training for module in model.modules()}
    for module in modes:
        module.training = not isinstance(module, torch.nn.Dropout)
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@contextlib.contextmanager
def logits_returned() -> Iterator[None]:
    """Let Unsloth return logits: on a GPU it computes the loss alone, and its training must go on to."""
    before = os.environ.get(RETURN_LOGITS)
    os.environ[RETURN_LOGITS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[RETURN_LOGITS]
        else:
            os.environ[RETURN_LOGITS] = before


def logits_of(model: Any, tokens: torch.Tensor) -> torch.Tensor:
    """Return a model's logits. torchtune returns them in chunks of tokens; the reference returns hidden states."""
    if hasattr(model, "output_weight"):
        return model(tokens, recompute=False) @ model.output_weight.T
    output = model(tokens)
    if isinstance(output, list | tuple):
        return torch.cat(list(output), dim=1)
    found: torch.Tensor = output if isinstance(output, torch.Tensor) else output.logits
    return found


def difference(logits: torch.Tensor, others: torch.Tensor) -> float:
    """Return the largest difference of two sets of logits, as a share of the largest logit."""
    return float((logits - others).abs().max() / others.abs().max())
