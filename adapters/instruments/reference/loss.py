"""The reference's loss: cross entropy over chunks of rows, so that the logits of all tokens never exist at once."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

IGNORED_LABEL = -100
CHUNK_ROWS = 512
"""Logits of 512 tokens over Qwen3's 151,936 words are 0.3 GB in fp32."""


def mean_cross_entropy(hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross entropy in fp32 of each position's logits against the next position's label.

    `hidden` is [batch, length, hidden], `weight` the output layer's [vocabulary, hidden], `labels` [batch, length] and
    not shifted.
    """
    rows, due = hidden[:, :-1].flatten(0, 1), labels[:, 1:].flatten()
    total: torch.Tensor = _SumOverChunks.apply(rows, weight, due)
    return total / (due != IGNORED_LABEL).sum()


class _SumOverChunks(torch.autograd.Function):
    """The sum over all rows. The backward pass recomputes each chunk's logits.

    The gradient of the weight is summed in fp32 over the chunks, as one product over all rows would do internally.
    """

    @staticmethod
    def forward(context: Any, rows: torch.Tensor, weight: torch.Tensor, due: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(rows, weight, due)
        context.autocast = torch.is_autocast_enabled(rows.device.type)
        chunks = zip(rows.split(CHUNK_ROWS), due.split(CHUNK_ROWS), strict=True)
        return torch.stack([_summed(some, weight, some_due) for some, some_due in chunks]).sum()

    @staticmethod
    def backward(context: Any, *scales: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rows, weight, due = context.saved_tensors
        of_rows = torch.empty_like(rows)
        of_weight = torch.zeros_like(weight, dtype=torch.float32) if weight.requires_grad else None
        for start in range(0, len(rows), CHUNK_ROWS):
            chunk = slice(start, start + CHUNK_ROWS)
            some, own_weight = (
                rows[chunk].detach().requires_grad_(),
                weight.detach().requires_grad_(weight.requires_grad),
            )
            with torch.enable_grad(), torch.autocast(rows.device.type, torch.bfloat16, enabled=context.autocast):
                loss = _summed(some, own_weight, due[chunk])
            inputs = (some,) if of_weight is None else (some, own_weight)
            gradients = torch.autograd.grad(loss, inputs, scales[0])
            of_rows[chunk] = gradients[0]
            if of_weight is not None:
                of_weight += gradients[1]
        return of_rows, None if of_weight is None else of_weight.to(weight.dtype), None


def _summed(rows: torch.Tensor, weight: torch.Tensor, due: torch.Tensor) -> torch.Tensor:
    logits = functional.linear(rows, weight).float()
    return functional.cross_entropy(logits, due, ignore_index=IGNORED_LABEL, reduction="sum")
