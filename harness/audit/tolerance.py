"""How far a framework may differ from the reference and still train the same job: as far as rounding alone goes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.audit.moves import MoveRange, exact_moves, rounded_moves, widened
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
MASKS = ("other_masks_1", "other_masks_2", "other_masks_3")
"""Variants of the reference with other random masks of LoRA's dropout: what chance alone does to the job."""
NF4_WAYS = (" over NF4 as bitsandbytes rounds it", " over NF4 as torchao rounds it")
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The reference's trace, and how far from it a framework may be."""

    trace: Trace
    tolerance: Tolerance
    moves: Mapping[str, MoveRange]
    """How far each trained tensor may have moved, by name."""


def variants_of(job: Job) -> tuple[str, ...]:
    """Return the variants in which the reference trains the job: each usual way of rounding, and other random masks."""
    rounds = job.precision != "fp32" or job.quantization != "none"
    return ("as_asked", *(("other_rounding",) if rounds else ()), *(MASKS if has_masks(job) else ()))


def has_masks(job: Job) -> bool:
    """True if the job leaves out inputs of LoRA at random."""
    return job.uses_lora and job.lora_dropout > 0


def references_of(job: Job, traces: Mapping[str, Trace]) -> tuple[Reference, ...]:
    """Return what frameworks are compared with. `traces`: the reference in each of its variants.

    In fp32 only the start is rounded (NF4): from there, each way of rounding it trains exactly what the reference does.
    In bf16 every step rounds anew, and two ways of rounding show how far others may be. Where masks are random, no
    framework draws the reference's masks: several draws of the reference show how far others may be.
    """
    ways = [trace for name, trace in traces.items() if name not in MASKS]
    draws = [ways[0], *(trace for name, trace in traces.items() if name in MASKS)]
    if job.precision != "fp32":
        references = [Reference(trace=ways[0], tolerance=_rounded(job, *ways), moves=rounded_moves(ways))]
    else:
        words = NF4_WAYS if len(ways) > 1 else ("",)
        references = [
            Reference(trace=trace, tolerance=_exact(way), moves=exact_moves(trace, EXACT_UPDATE))
            for trace, way in zip(ways, words, strict=True)
        ]
    return tuple(_with_masks(reference, draws) if len(draws) > 1 else reference for reference in references)


def nearest_of(references: Sequence[Reference], seen: Trace) -> Reference:
    """Return the reference that started from the weights nearest to the observed ones."""
    theirs = {tensor.name: tensor for tensor in seen.tensors}

    def apart(reference: Reference) -> float:
        shared = [(ours, theirs[ours.name]) for ours in reference.trace.tensors if ours.name in theirs]
        return max((distance(ours, other) for ours, other in shared), default=0.0)

    return min(references, key=apart)


def _exact(way: str) -> Tolerance:
    return Tolerance(
        loss=EXACT_LOSS,
        first_loss=EXACT_LOSS,
        grad_norm=EXACT_LOSS,
        gradient=EXACT_LOSS,
        start=EXACT_LOSS,
        why=f"fp32{way}: {EXACT_LOSS:g} for losses and gradients, {EXACT_UPDATE:g} for updates",
    )


def _rounded(job: Job, reference: Trace, other: Trace) -> Tolerance:
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


def _with_masks(reference: Reference, draws: Sequence[Trace]) -> Reference:
    """Return the reference for random masks. `draws`: the reference with several masks."""
    rounding = reference.tolerance
    apart = [_apart(first, other) for first, other in itertools.combinations(draws, 2)]
    tolerance = dataclasses.replace(
        rounding,
        loss=rounding.loss + MARGIN * max(difference.loss for difference in apart),
        grad_norm=rounding.grad_norm + MARGIN * max(difference.grad_norm for difference in apart),
        gradient=rounding.gradient + MARGIN * max(difference.gradient for difference in apart),
        why=f"{rounding.why}; and, since masks of LoRA's dropout are drawn at random, {MARGIN:g} times what lies "
        f"between {len(draws)} draws of the reference's own, but for the loss of the first step, which knows no mask",
    )
    return Reference(trace=reference.trace, tolerance=tolerance, moves=widened(reference.moves, draws, MARGIN))


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
