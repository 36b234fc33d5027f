"""Output layer and cross entropy together, chunk by chunk: the logits of all tokens never exist at once."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch.nn import functional

from ..reference.loss import IGNORED_LABEL


def cross_entropy(
    hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor, *, chunks: int, compiled: bool
) -> torch.Tensor:
    """Mean cross entropy in fp32 of each position against the next one's label.

    `hidden` is [batch, length, hidden], `weight` [vocabulary, hidden], `labels` [batch, length] and not shifted.
    """
    targets = labels[:, 1:].flatten()
    loss: torch.Tensor = _Chunked.apply(hidden[:, :-1].flatten(0, 1), weight, targets, chunks, compiled)
    return loss


class _Chunked(torch.autograd.Function):
    """Makes the gradients of the mean loss while a chunk's logits exist, and keeps them."""

    @staticmethod
    def forward(
        context: Any, hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, chunks: int, compiled: bool
    ) -> torch.Tensor:
        loss_and_gradient = _compiled() if compiled else _loss_and_gradient
        count = (targets != IGNORED_LABEL).sum()
        total = torch.zeros((), device=hidden.device)
        of_hidden = torch.empty_like(hidden)
        of_weight = torch.zeros_like(weight) if weight.requires_grad else None
        place = 0
        for some, due in zip(hidden.chunk(chunks), targets.chunk(chunks), strict=True):
            loss, of_logits = loss_and_gradient(functional.linear(some, weight), due, count)
            total += loss
            torch.mm(of_logits, weight, out=of_hidden[place : place + len(some)])
            if of_weight is not None:
                of_weight.addmm_(of_logits.t(), some)
            place += len(some)
        context.save_for_backward(of_hidden, *(() if of_weight is None else (of_weight,)))
        return total

    @staticmethod
    def backward(context: Any, *outputs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        of_hidden, *of_weight = context.saved_tensors
        (scale,) = outputs
        return of_hidden * scale, of_weight[0] * scale if of_weight else None, None, None, None


def _loss_and_gradient(
    logits: torch.Tensor, targets: torch.Tensor, count: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a chunk's share of the mean loss, and its gradient with respect to the logits, in their dtype."""
    log_chances = functional.log_softmax(logits, -1, dtype=torch.float32)
    loss = functional.nll_loss(log_chances, targets, ignore_index=IGNORED_LABEL, reduction="sum") / count
    counted = targets != IGNORED_LABEL
    gradient = log_chances.exp_()
    gradient.scatter_add_(-1, targets.where(counted, 0).unsqueeze(-1), gradient.new_full((len(targets), 1), -1.0))
    gradient.mul_((counted / count).unsqueeze(-1))
    return loss, gradient.to(logits.dtype)


@functools.cache
def _compiled() -> Any:
    """Compiled to one kernel over the logits instead of eight passes."""
    return torch.compile(_loss_and_gradient)
