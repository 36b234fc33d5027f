"""Which references a job has, and which of them a framework is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.audit.moves import MoveRange, exact_moves, rounded_moves, widened
from harness.audit.tolerance import (
    EXACT_UPDATE,
    MARGIN,
    Tolerance,
    distance,
    exact_tolerance,
    rounded_tolerance,
    with_chance,
)
from harness.audit.trace import Trace
from harness.job.job import Job

MASKS = ("other_masks_1", "other_masks_2", "other_masks_3")
"""Variants of the reference with other random masks of LoRA's dropout: what chance alone does to the job."""
NF4_WAYS = (" over NF4 as bitsandbytes rounds it", " over NF4 as torchao rounds it")


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
        references = [Reference(trace=ways[0], tolerance=rounded_tolerance(job, *ways), moves=rounded_moves(ways))]
    else:
        words = NF4_WAYS if len(ways) > 1 else ("",)
        references = [
            Reference(trace=trace, tolerance=exact_tolerance(way), moves=exact_moves(trace, EXACT_UPDATE))
            for trace, way in zip(ways, words, strict=True)
        ]
    if len(draws) == 1:
        return tuple(references)
    return tuple(
        Reference(
            trace=reference.trace,
            tolerance=with_chance(reference.tolerance, draws),
            moves=widened(reference.moves, draws, MARGIN),
        )
        for reference in references
    )


def nearest_of(references: Sequence[Reference], seen: Trace) -> Reference:
    """Return the reference that started from the weights nearest to the observed ones."""
    theirs = {tensor.name: tensor for tensor in seen.tensors}

    def apart(reference: Reference) -> float:
        shared = [(ours, theirs[ours.name]) for ours in reference.trace.tensors if ours.name in theirs]
        return max((distance(ours, other) for ours, other in shared), default=0.0)

    return min(references, key=apart)
