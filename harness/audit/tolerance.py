"""How far a framework may differ from the reference and still train the same job: as far as rounding alone goes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from harness.audit.trace import TensorSeen, Trace
from harness.job.job import Job

EXACT_LOSS = 1e-5
EXACT_UPDATE = 5e-4
"""Adam divides gradients by their size, so the smallest gradients carry the most rounding into an update."""
ROUNDED_NORM = 4 * 2.0**-8
"""Least tolerance of gradient norms in bf16. Either side rounds the norm, by half the distance of neighbouring numbers
(2^-8 of them), and also the factor by which it clips.
"""
ROUNDED_LOSS = 1e-4
"""Least tolerance of losses in bf16: over a few steps two ways of rounding may be close by chance."""
ROUNDED_START = 0.02
"""Least tolerance of 4-bit weights. The weights of another checkpoint differ by as much as their norm."""
MARGIN = 3.0
"""The tolerance is this many times the distance between the reference's two ways of rounding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """Largest allowed relative differences from the reference."""

    loss: float
    first_loss: float
    """Tolerance of the first step, which does not depend on LoRA's dropout masks: B is still zero."""
    grad_norm: float
    """Tolerance of the norm of all gradients, at any step."""
    gradient: float
    """Tolerance of one tensor's gradient norm at the last step, relative to the norm of all."""
    start: float
    """Tolerance of a frozen tensor's values before training."""
    why: str


def exact_tolerance(way: str) -> Tolerance:
    """Return the tolerance where rounding is negligible. `way`: the reference's way of rounding the start, in words."""
    return Tolerance(
        loss=EXACT_LOSS,
        first_loss=EXACT_LOSS,
        grad_norm=EXACT_LOSS,
        gradient=EXACT_LOSS,
        start=EXACT_LOSS,
        why=f"fp32{way}: {EXACT_LOSS:g} for losses and gradients, {EXACT_UPDATE:g} for updates",
    )


def rounded_tolerance(job: Job, reference: Trace, other: Trace) -> Tolerance:
    """Return the tolerance where every step rounds, from the reference's two ways of rounding."""
    apart = _apart(reference, other)
    start = max(distance(a, b) for a, b in _pairs(reference, other))
    loss = _margin(apart.loss, floor=ROUNDED_LOSS)
    return Tolerance(
        loss=loss,
        first_loss=loss,
        grad_norm=_margin(apart.grad_norm, floor=ROUNDED_NORM),
        gradient=_margin(apart.gradient, floor=ROUNDED_NORM),
        start=_margin(start, floor=ROUNDED_START if job.quantization == "nf4" else EXACT_LOSS),
        why=f"{MARGIN:g} times what lies between the reference's two ways of rounding ({_words(job)}); at least "
        f"{ROUNDED_NORM:.1e} for gradients, whose norm and clipping round; a tensor may move as far as in either",
    )


def with_chance(rounding: Tolerance, draws: Sequence[Trace]) -> Tolerance:
    """Return the tolerance where masks are random. `draws`: the reference with several masks."""
    apart = [_apart(first, other) for first, other in itertools.combinations(draws, 2)]
    return dataclasses.replace(
        rounding,
        loss=rounding.loss + MARGIN * max(difference.loss for difference in apart),
        grad_norm=rounding.grad_norm + MARGIN * max(difference.grad_norm for difference in apart),
        gradient=rounding.gradient + MARGIN * max(difference.gradient for difference in apart),
        why=f"{rounding.why}; and, since masks of LoRA's dropout are drawn at random, {MARGIN:g} times what lies "
        f"between {len(draws)} draws of the reference's own, but for the loss of the first step, which knows no mask",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Apart:
    """Largest relative differences between two trainings, by the names of Tolerance."""

    loss: float
    grad_norm: float
    gradient: float


def _apart(first: Trace, other: Trace) -> _Apart:
    total = first.steps[-1].grad_norm
    return _Apart(
        loss=_spread(losses_of(first), losses_of(other)),
        grad_norm=_spread(unclipped_norms(first), unclipped_norms(other)),
        gradient=max(abs((a.gradient_norm or 0) - (b.gradient_norm or 0)) / total for a, b in _pairs(first, other)),
    )


def _pairs(first: Trace, other: Trace) -> list[tuple[TensorSeen, TensorSeen]]:
    theirs = {tensor.name: tensor for tensor in other.tensors}
    return [(tensor, theirs[tensor.name]) for tensor in first.tensors]


def relative(asked: float, got: float) -> float:
    """Return the difference relative to what was asked; 0 for two zeros."""
    return abs(asked - got) / abs(asked) if asked else (0.0 if not got else float("inf"))


def distance(asked: TensorSeen, got: TensorSeen) -> float:
    """Return the distance between two tensors' values before training, relative to the norm."""
    scale = asked.values[0] or 1.0
    return max(abs(a - b) / scale for a, b in zip(asked.values, got.values, strict=True))


def unclipped_norms(trace: Trace) -> list[float]:
    """Return the norm of all gradients at each step, before clipping."""
    return [step.clip.norm if step.clip else step.grad_norm for step in trace.steps]


def losses_of(trace: Trace) -> list[float]:
    """Return the loss that was reported for each step."""
    return [step.logged.loss for step in trace.steps if step.logged is not None]


def _spread(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the largest relative difference over the steps. At one step two trajectories may be close by chance."""
    return max(relative(a, b) for a, b in zip(ours, theirs, strict=True))


def _margin(value: float, floor: float = EXACT_LOSS) -> float:
    return max(floor, MARGIN * value)


def _words(job: Job) -> str:
    ways = ["bf16 throughout against autocast over fp32 weights"]
    if job.quantization == "nf4":
        ways.append("NF4 rounded as bitsandbytes does it against as torchao does it")
    return ", ".join(ways)
