"""How far a framework may lie from the reference and still train the same job: what rounding alone does to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.audit.moves import Range, exact_moves, rounded_moves
from harness.audit.trace import TensorSeen, Trace
from harness.job import Job

EXACT_LOSS = 1e-5
EXACT_UPDATE = 5e-4
"""An update of Adam's divides gradients by their own size, so the smallest ones carry the most rounding."""
ROUNDED_NORM = 4 * 2.0**-8
"""At least this for gradient norms in bf16: the norm is rounded, by half the distance of neighbouring numbers (2^-8 of
them), and so is the factor that clipping makes of it; on either side."""
ROUNDED_LOSS = 1e-4
"""At least this for the losses of a job that rounds: over a few steps two ways of rounding may be close by chance."""
ROUNDED_START = 0.02
"""At least this for the values of 4-bit weights; those of another checkpoint are as far apart as their norm."""
NF4_WAYS = (" over NF4 as bitsandbytes rounds it", " over NF4 as torchao rounds it")
MARGIN = 3.0
"""How many times the distance between the reference's two ways of rounding is allowed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """Largest relative differences from the reference."""

    loss: float
    grad_norm: float
    """Of all gradients, at any step."""
    gradient: float
    """Of one tensor's gradient norm at the last step, relative to the norm of all."""
    start: float
    """Of a frozen tensor's values before training."""
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """What the reference's process saw, and how far from it a framework may be."""

    trace: Trace
    tolerance: Tolerance
    moves: Mapping[str, Range]
    """How far each trained tensor may have moved, by its name."""


def ways_of_rounding(job: Job) -> int:
    """In how many ways the field rounds what the job asks for: so often the reference is trained."""
    return 1 if job.precision == "fp32" and job.quantization == "none" else 2


def references_of(job: Job, traces: Sequence[Trace]) -> tuple[Reference, ...]:
    """What frameworks are held against; `traces`: the reference in each way of rounding.

    In fp32 only the start is rounded (NF4): whoever rounds it in either way trains exactly what the reference does from
    there. In bf16 every step rounds anew, and two ways of that say how far others may be.
    """
    if job.precision != "fp32":
        return (Reference(trace=traces[0], tolerance=_between(job, *traces), moves=rounded_moves(traces)),)
    ways = NF4_WAYS if len(traces) > 1 else ("",)
    return tuple(
        Reference(trace=trace, tolerance=_exact(way), moves=exact_moves(trace, EXACT_UPDATE))
        for trace, way in zip(traces, ways, strict=True)
    )


def nearest_of(references: Sequence[Reference], seen: Trace) -> Reference:
    """The one that started from the weights nearest to those that were seen."""
    theirs = {tensor.name: tensor for tensor in seen.tensors}

    def apart(reference: Reference) -> float:
        shared = [(ours, theirs[ours.name]) for ours in reference.trace.tensors if ours.name in theirs]
        return max((distance(ours, other) for ours, other in shared), default=0.0)

    return min(references, key=apart)


def _exact(way: str) -> Tolerance:
    return Tolerance(
        loss=EXACT_LOSS,
        grad_norm=EXACT_LOSS,
        gradient=EXACT_LOSS,
        start=EXACT_LOSS,
        why=f"fp32{way}: {EXACT_LOSS:g} for losses and gradients, {EXACT_UPDATE:g} for updates",
    )


def _between(job: Job, reference: Trace, other: Trace) -> Tolerance:
    losses = _spread(losses_of(reference), losses_of(other))
    norms = _spread(unclipped_norms(reference), unclipped_norms(other))
    theirs = {tensor.name: tensor for tensor in other.tensors}
    pairs = [(tensor, theirs[tensor.name]) for tensor in reference.tensors]
    total = reference.steps[-1].grad_norm
    return Tolerance(
        loss=_margin(losses, floor=ROUNDED_LOSS),
        grad_norm=_margin(norms, floor=ROUNDED_NORM),
        gradient=_margin(
            max(abs((a.gradient_norm or 0) - (b.gradient_norm or 0)) / total for a, b in pairs), floor=ROUNDED_NORM
        ),
        start=_margin(
            max(distance(a, b) for a, b in pairs), floor=ROUNDED_START if job.quantization == "nf4" else EXACT_LOSS
        ),
        why=f"{MARGIN:g} times what lies between the reference's two ways of rounding ({_words(job)}); at least "
        f"{ROUNDED_NORM:.1e} for gradients, whose norm and clipping round; a tensor may move as far as in either",
    )


def relative(asked: float, got: float) -> float:
    """Difference relative to what was asked; 0 for two zeros."""
    return abs(asked - got) / abs(asked) if asked else (0.0 if not got else float("inf"))


def distance(asked: TensorSeen, got: TensorSeen) -> float:
    """Between the values of two tensors before training, relative to the norm."""
    scale = asked.values[0] or 1.0
    return max(abs(a - b) / scale for a, b in zip(asked.values, got.values, strict=True))


def unclipped_norms(trace: Trace) -> list[float]:
    """The norm of all gradients at each step, before clipping."""
    return [step.clip.norm if step.clip else step.grad_norm for step in trace.steps]


def losses_of(trace: Trace) -> list[float]:
    """What was reported for each step."""
    return [step.logged.loss for step in trace.steps if step.logged is not None]


def _spread(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The largest relative difference over the steps: at a single step two trajectories may be close by chance."""
    return max(relative(a, b) for a, b in zip(ours, theirs, strict=True))


def _margin(value: float, floor: float = EXACT_LOSS) -> float:
    return max(floor, MARGIN * value)


def _words(job: Job) -> str:
    ways = ["bf16 throughout against autocast over fp32 weights"]
    if job.quantization == "nf4":
        ways.append("NF4 rounded as bitsandbytes does it against as torchao does it")
    return ", ".join(ways)
