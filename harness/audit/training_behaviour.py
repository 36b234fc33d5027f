"""Compare what the training did with the reference: tokens, losses, gradients, weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.audit.findings import LOSS, QUANTIZATION, Finding, compared, judged, one_of, shown
from harness.audit.moves import MoveRange
from harness.audit.references import Reference
from harness.audit.tolerance import Tolerance, distance, relative, unclipped_norms
from harness.audit.trace import TensorSeen, Trace
from harness.job.job import DTYPES, PROJECTIONS, Job
from harness.text.names import first_names


def behaviour(job: Job, seen: Trace, asked: Reference, blocks: Sequence[str]) -> Iterable[Finding]:
    """Return all findings on what the training did. `blocks`: the hashes of the prepared blocks."""
    reference, tolerance = asked.trace, asked.tolerance
    yield token_blocks(seen, blocks)
    yield losses(seen, reference, tolerance)
    yield logged_norms(seen, reference, tolerance)
    yield stepped_norms(seen, reference, tolerance)
    yield gradients(seen, reference, tolerance)
    yield _names("trained parameters", reference.trained, seen.trained)
    yield _names("frozen parameters", reference.frozen, seen.frozen)
    yield _start("initial weights", reference.frozen or reference.trained, seen, tolerance.start)
    if job.uses_lora:
        yield _start("initial adapter", reference.trained, seen, tolerance.start)
    yield moved(seen, asked.moves)
    yield frozen_moved(seen)
    yield updates(seen, asked.moves)
    yield from dtypes(job, seen)
    yield quantization(job, seen)


def token_blocks(seen: Trace, blocks: Sequence[str]) -> Finding:
    """Check that exactly the prepared blocks arrived, in their order."""
    got = [block for batch in seen.micro_batches for block in batch.blocks]
    asked = f"blocks 1 to {len(blocks)} in order"
    place = {block: index for index, block in reversed(list(enumerate(blocks, start=1)))}
    for index, (due, block) in enumerate(zip(blocks, got, strict=False), start=1):
        if due != block:
            what = f"block {place[block]}" if block in place else "tokens that are no block of the job"
            return judged("token blocks", asked, f"{what} where block {index} was due", same=False)
    if len(got) != len(blocks):
        return judged("token blocks", asked, f"{len(got)} blocks", same=False)
    return judged("token blocks", asked, "the same", same=True)


def losses(seen: Trace, reference: Trace, tolerance: Tolerance) -> Finding:
    """Check the loss that the framework reports for each step."""
    ours = [step.logged.loss if step.logged else None for step in reference.steps]
    theirs = [step.logged.loss if step.logged else None for step in seen.steps]
    return _series(LOSS, ours, theirs, tolerance.loss, first=tolerance.first_loss)


def logged_norms(seen: Trace, reference: Trace, tolerance: Tolerance) -> Finding:
    """Check the gradient norm before clipping: as reported, or as measured if the framework reports none."""
    measured = unclipped_norms(seen)
    norms = [
        step.logged.grad_norm if step.logged and step.logged.grad_norm is not None else norm
        for step, norm in zip(seen.steps, measured, strict=True)
    ]
    return _series("gradient norm at every step", unclipped_norms(reference), norms, tolerance.grad_norm)


def stepped_norms(seen: Trace, reference: Trace, tolerance: Tolerance) -> Finding:
    """Check the norm of the gradients with which the optimizer stepped."""
    ours, theirs = [step.grad_norm for step in reference.steps], [step.grad_norm for step in seen.steps]
    return _series("gradient norm after clipping", ours, theirs, tolerance.grad_norm)


def gradients(seen: Trace, reference: Trace, tolerance: Tolerance) -> Finding:
    """Check each tensor's gradient at the last step."""
    total = reference.steps[-1].grad_norm

    def apart(ours: TensorSeen, theirs: TensorSeen) -> float:
        if theirs.gradient_norm is None or ours.gradient_norm is None:
            return 0.0 if theirs.gradient_norm == ours.gradient_norm else float("inf")
        return abs(ours.gradient_norm - theirs.gradient_norm) / total

    return _worst("gradient of each tensor", reference.trained, seen, apart, tolerance.gradient)


def moved(seen: Trace, moves: Mapping[str, MoveRange]) -> Finding:
    """Check that every trained tensor changed. LoRA's A does not in a single step, nor do some norms in bf16."""
    due = {name for name, move in moves.items() if move.least > 0}
    got = {tensor.name for tensor in seen.trained if tensor.change_norm}
    still = sorted(due - got)
    text = f"{len(still)} did not: {first_names(still)}" if still else "all of them did"
    return judged("trained weights change", f"{len(due)} tensors", text, same=not still)


def frozen_moved(seen: Trace) -> Finding:
    """Check that no bit of a frozen tensor changed. A tensor that was not read again counts as changed."""
    changed = [tensor.name for tensor in seen.frozen if tensor.digest is None or tensor.digest != tensor.digest_after]
    got = f"{len(changed)} did: {first_names(changed)}" if changed else "none"
    return judged("frozen weights change", "none", got, same=not changed)


def updates(seen: Trace, moves: Mapping[str, MoveRange]) -> Finding:
    """Check how far each trained tensor moved. This shows the last step too, which no loss does."""
    subject, asked = "distance that each tensor moved", "as far as in the reference"
    theirs = {tensor.name: tensor.change_norm or 0.0 for tensor in seen.trained}
    outside = {name: theirs[name] for name, due in moves.items() if name in theirs and not due.holds(theirs[name])}
    if not moves.keys() & theirs.keys():
        return judged(subject, asked, "no tensor of the reference's", same=False)
    if not outside:
        return judged(subject, asked, "each did", same=True)
    name, got = next(iter(outside.items()))
    due = moves[name]
    text = f"{len(outside)} did not: {name} {got:.4g}, {due.least:.4g} to {due.most:.4g} was due"
    return judged(subject, asked, text, same=False)


def dtypes(job: Job, seen: Trace) -> Iterable[Finding]:
    """Check the dtypes of weights, gradients and optimizer state. 4-bit weights are another finding."""
    asked = DTYPES[job.precision]
    frozen = [tensor.storage for tensor in seen.frozen if "nf4" not in tensor.storage and "fp4" not in tensor.storage]
    gradient = [tensor.gradient_dtype for tensor in seen.trained if tensor.gradient_dtype]
    yield compared("dtype of trained weights", asked, one_of(tensor.storage for tensor in seen.trained))
    if job.uses_lora:
        yield compared("dtype of frozen weights", asked, one_of(frozen))
    yield compared("dtype of gradients", asked, one_of(gradient))
    yield compared("dtype of optimizer state", asked, one_of(kind for t in seen.trained for kind in t.state_dtypes))


def quantization(job: Job, seen: Trace) -> Finding:
    """Check the format of the decoder layers' matrices."""
    matrices = [
        tensor.storage
        for tensor in seen.tensors
        if any(tensor.name.endswith(f".{projection}.weight") for projection in PROJECTIONS)
    ]
    if job.quantization == "none":
        full = all(storage in DTYPES.values() or storage == "float16" for storage in matrices)
        return judged(QUANTIZATION, "none", "none" if full else one_of(matrices), same=full)
    return compared(QUANTIZATION, f"{job.quantization} with double quantization by bitsandbytes", one_of(matrices))


def _series(
    subject: str,
    ours: Sequence[float | None],
    theirs: Sequence[float | None],
    tolerance: float,
    first: float | None = None,
) -> Finding:
    """`first`: the tolerance of the first step, if it differs."""
    asked = f"within {tolerance:.1e} of the reference"
    if first not in (None, tolerance):
        asked += f", at the first step within {first:.1e}"
    if len(ours) != len(theirs):
        return judged(subject, asked, f"{len(theirs)} steps, the reference has {len(ours)}", same=False)
    worst = 0.0
    for step, (due, got) in enumerate(zip(ours, theirs, strict=True), start=1):
        if got is None or due is None:
            return judged(subject, asked, f"none at step {step}", same=False)
        apart = relative(due, got)
        if not apart <= (first if first is not None and step == 1 else tolerance):
            return judged(subject, asked, f"{got:.7g} at step {step}, the reference {due:.7g}", same=False)
        worst = max(worst, apart)
    return judged(subject, asked, f"within {worst:.1e}", same=True)


def _worst(
    subject: str,
    tensors: Iterable[TensorSeen],
    seen: Trace,
    apart: Callable[[TensorSeen, TensorSeen], float],
    tolerance: float,
) -> Finding:
    theirs = {tensor.name: tensor for tensor in seen.tensors}
    differences = {ours.name: apart(ours, theirs[ours.name]) for ours in tensors if ours.name in theirs}
    asked = f"within {tolerance:.1e} of the reference"
    if not differences:
        return judged(subject, asked, "no tensor of the reference's", same=False)
    name = max(differences, key=lambda name: differences[name])
    same = differences[name] <= tolerance
    got = f"within {differences[name]:.1e}" if same else f"{differences[name]:.1e} apart: {name}"
    return judged(subject, asked, got, same=same)


def _start(subject: str, tensors: Iterable[TensorSeen], seen: Trace, tolerance: float) -> Finding:
    return _worst(subject, tensors, seen, distance, tolerance)


def _names(subject: str, asked: Sequence[TensorSeen], got: Sequence[TensorSeen]) -> Finding:
    ours = {tensor.name: tensor.shape for tensor in asked}
    theirs = {tensor.name: tensor.shape for tensor in got}
    missing = sorted(ours.keys() - theirs.keys())
    extra = sorted(theirs.keys() - ours.keys())
    other = sorted(name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name])
    problems = [
        f"{len(names)} {word}: {first_names(names)}"
        for word, names in (("missing", missing), ("more", extra), ("of another shape", other))
        if names
    ]
    return judged(subject, _count(asked), "; ".join([_count(got), *problems]), same=not problems)


def _count(tensors: Sequence[TensorSeen]) -> str:
    return f"{shown(sum(tensor.elements for tensor in tensors))} in {len(tensors)} tensors"
