"""Every field of the job, read back from the process that trained: asked and got."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from math import isclose, sqrt

from harness.audit.findings import Finding, compared, judged, one_of, shown, unreadable
from harness.audit.trace import Trace
from harness.job.job import DTYPES, Job

LEAST_SHARE = 0.95
"""Share of the matmuls that must run in the job's precision. transformers always computes rotary angles in fp32."""
LEFT_OUT_MARGIN = 5.0
"""Standard deviations by which the share of inputs that dropout leaves out may differ."""
LEFT_OUT_BY_ITSELF = 1e-3
"""Share of inputs that are zero without dropout."""
OPTIMIZERS = {"adamw_torch_fused": ("torch.optim.adamw.AdamW", True), "adamw_torch": ("torch.optim.adamw.AdamW", False)}
SHOWN_BY = {
    "model": "initial weights",
    "model_revision": "initial weights",
    "shape": "frozen parameters",
    "dataset": "token blocks",
    "text_column": "token blocks",
    "dataset_config": "token blocks",
    "dataset_revision": "token blocks",
}
"""Fields that no live object holds, by the finding that shows them."""


def knobs(
    job: Job, seen: Trace, reference: Trace, shown_by: Mapping[str, Finding], sources: Mapping[str, str]
) -> Iterable[Finding]:
    """Return a finding per field of Job, in its order.

    `shown_by`: the findings on behaviour by their subject. `sources`: what was prepared for a field, if that differs
    from what the field names (a stand-in text).
    """
    found = {finding.subject: finding for finding in _read_back(job, seen, reference)}
    for field in dataclasses.fields(job):
        if field.name in SHOWN_BY:
            evidence = shown_by[_evidence(field.name, job)]
            got = f"shown by {evidence.subject}" if evidence.result == "same" else evidence.got
            yield dataclasses.replace(evidence, subject=field.name, asked=_said(job, field.name, sources), got=got)
        elif field.name == "warmup_steps":
            yield judged(field.name, job.warmup_steps, "which steps the harness leaves out of its figures", same=True)
        else:
            yield found[field.name]


def _evidence(field: str, job: Job) -> str:
    subject = SHOWN_BY[field]
    return "trained parameters" if subject == "frozen parameters" and not job.uses_lora else subject


def _said(job: Job, field: str, sources: Mapping[str, str]) -> str:
    value = getattr(job, field)
    if field in sources:
        return f"{shown(value)}, prepared: {sources[field]}"
    return f"{shown(value.parameters)} parameters" if field == "shape" else shown(value)


def _read_back(job: Job, seen: Trace, reference: Trace) -> Iterable[Finding]:
    yield compared("sequence_length", job.sequence_length, one_of(batch.length for batch in seen.micro_batches))
    rows = one_of(len(batch.blocks) for batch in seen.micro_batches)
    yield compared("micro_batch_size", job.micro_batch_size, rows)
    yield compared("gradient_accumulation_steps", job.gradient_accumulation_steps, one_of(_accumulated(seen)))
    yield _max_steps(job, seen, reference)
    yield from _method(job, seen)
    yield _precision(job, seen)
    yield from _optimizer(job, seen)
    yield from _learning_rate(job, seen)
    yield _clipping(job, seen)
    yield from _forward(job, seen)
    yield compared("world_size", job.world_size, seen.world_size)
    yield compared("seed", job.seed, seen.initial_seed)


def _accumulated(seen: Trace) -> list[int]:
    """Micro-batches of each optimizer step."""
    steps = [batch.step for batch in seen.micro_batches]
    return [steps.count(step.step) for step in seen.steps]


def _max_steps(job: Job, seen: Trace, reference: Trace) -> Finding:
    audited = len(reference.steps)
    if audited == job.max_steps:
        got = f"more than {audited}" if seen.went_on else shown(len(seen.steps))
        return judged("max_steps", job.max_steps, got, same=len(seen.steps) == audited and not seen.went_on)
    same = len(seen.steps) == audited and seen.went_on
    got = f"more than the {audited} that were audited" if same else f"{len(seen.steps)}, then no more"
    return judged("max_steps", job.max_steps, got, same=same)


def _method(job: Job, seen: Trace) -> Iterable[Finding]:
    layers = seen.lora_layers or ()
    quantized = any("nf4" in tensor.storage or "fp4" in tensor.storage for tensor in seen.tensors)
    trains_lora = bool(seen.trained) and all(".lora_" in tensor.name for tensor in seen.trained)
    got = ("qlora" if quantized else "lora") if trains_lora else "full" if not seen.frozen else "neither"
    yield compared("method", job.method, got)
    if not job.uses_lora:
        for field in ("lora_rank", "lora_alpha", "lora_dropout", "target_modules"):
            yield judged(field, "nothing: the method has no LoRA", f"{len(layers)} layers with LoRA", same=not layers)
        return
    yield compared("lora_rank", job.lora_rank, one_of(layer.rank for layer in layers))
    alphas = [layer.scaling * layer.rank for layer in layers]
    # alpha / rank * rank is not always alpha to the last bit: 1 / 49 * 49 is not.
    alike = [float(job.lora_alpha) if isclose(alpha, job.lora_alpha, rel_tol=1e-9) else alpha for alpha in alphas]
    yield compared("lora_alpha", float(job.lora_alpha), one_of(alike))
    yield _dropout(job, seen)
    targets = {layer.name.rpartition(".")[2] for layer in layers}
    due = len(job.target_modules) * job.shape.num_hidden_layers
    same = targets == set(job.target_modules) and len(layers) == due
    got_targets = f"{shown(sorted(targets))} ({len(layers)} layers)"
    yield judged("target_modules", f"{shown(sorted(job.target_modules))} ({due} layers)", got_targets, same=same)


def _dropout(job: Job, seen: Trace) -> Finding:
    """Check each layer's dropout: its rate, that it runs with its decoder layer, and how much it leaves out."""
    subject, due = "lora_dropout", float(job.lora_dropout)
    rate, layers = one_of(layer.dropout for layer in seen.lora_layers), len(seen.lora_layers)
    if rate != due or not due:
        return compared(subject, due, rate)
    if not all(batch.layer_runs for batch in seen.micro_batches):
        return unreadable(subject, due, "the model was compiled, so its dropout was not listened to")
    per_layer = job.shape.num_hidden_layers
    ran = one_of(batch.dropout_runs * per_layer / batch.layer_runs for batch in seen.micro_batches)
    zeros, inputs = seen.left_out or (0, 0)
    share = zeros / inputs if inputs else 0.0
    chance = LEFT_OUT_MARGIN * sqrt(due * (1 - due) / inputs) if inputs else 0.0
    asked = f"{shown(due)} in {layers} layers"
    same = ran == layers and abs(share - due) <= chance + LEFT_OUT_BY_ITSELF
    return judged(subject, asked, f"{share:.4f} left out in {shown(ran)} layers", same=same)


def _precision(job: Job, seen: Trace) -> Finding:
    if seen.operators is None:
        return unreadable("precision", job.precision, "the model was compiled, so its matmuls were not listened to")
    counts = seen.operators.matmul_dtypes
    asked, total = DTYPES[job.precision], sum(counts.values())
    got = ", ".join(f"{count} of {total} matmuls in {kind}" for kind, count in counts.items()) or "no matmul seen"
    same = bool(total) and counts.get(asked, 0) / total >= LEAST_SHARE
    return judged("precision", f"{job.precision}: matmuls in {asked}", got, same=same)


def _optimizer(job: Job, seen: Trace) -> Iterable[Finding]:
    used = {(step.optimizer.name, step.optimizer.fused) for step in seen.steps}
    name, fused = OPTIMIZERS[job.optimizer]
    got = one_of(f"{kind}{', fused' if is_fused else ''}" for kind, is_fused in used)
    yield judged("optimizer", f"{name}{', fused' if fused else ''}", got, same=used == {(name, fused)})
    groups = [group for step in seen.steps for group in step.optimizer.groups if group.matrices]
    for field, values in (
        ("adam_beta1", [group.beta1 for group in groups]),
        ("adam_beta2", [group.beta2 for group in groups]),
        ("adam_epsilon", [group.epsilon for group in groups]),
        ("weight_decay", [group.weight_decay for group in groups]),
    ):
        yield compared(field, getattr(job, field), one_of(values))


def _learning_rate(job: Job, seen: Trace) -> Iterable[Finding]:
    """Check the peak rate, the schedule's shape and its start, from the rate of each step."""
    due = [job.learning_rate_at(step.step) for step in seen.steps]
    got = [_rate(step.optimizer.groups) for step in seen.steps]
    rates = {_rate([group]) for step in seen.steps for group in step.optimizer.groups}
    highest, highest_due = max(got, default=0.0), max(due, default=0.0)
    one_rate = len(rates) <= len(set(got))
    text = shown(highest) if one_rate else f"{shown(highest)}, and others beside it"
    yield judged("learning_rate", highest_due, text, same=one_rate and isclose(highest, highest_due, rel_tol=1e-6))
    shape = [rate / highest if highest else 0.0 for rate in got]
    shape_due = [rate / highest_due if highest_due else 0.0 for rate in due]
    odd = [step for step, (a, b) in enumerate(zip(shape, shape_due, strict=True), 1) if not isclose(a, b, abs_tol=1e-6)]
    rising = [step for step in odd if step <= job.lr_warmup_steps + 1]
    yield _shape("lr_schedule", job.lr_schedule, [step for step in odd if step not in rising], shape, shape_due)
    yield _shape("lr_warmup_steps", job.lr_warmup_steps, rising, shape, shape_due)


def _rate(groups: Sequence[object]) -> float:
    return float(max((getattr(group, "learning_rate", 0.0) for group in groups), default=0.0))


def _shape(field: str, asked: object, odd: Sequence[int], got: Sequence[float], due: Sequence[float]) -> Finding:
    if not odd:
        return judged(field, asked, "the rate at every step follows it", same=True)
    at = odd[0]
    text = f"step {at} at {got[at - 1]:.4g} of the highest rate, {due[at - 1]:.4g} was due"
    return judged(field, asked, text, same=False)


def _clipping(job: Job, seen: Trace) -> Finding:
    calls = one_of(step.clip.max_norm if step.clip else "no clipping" for step in seen.steps)
    asked: object = float(job.max_grad_norm) if job.max_grad_norm else "no clipping"
    if calls == float("inf") and not job.max_grad_norm:
        return judged("max_grad_norm", asked, "no clipping (norm measured with an infinite limit)", same=True)
    return compared("max_grad_norm", asked, calls)


def _forward(job: Job, seen: Trace) -> Iterable[Finding]:
    layers = job.shape.num_hidden_layers
    runs = one_of(batch.layer_runs / layers for batch in seen.micro_batches)
    asked = job.gradient_checkpointing
    if seen.compiled or runs == 0:
        yield unreadable("gradient_checkpointing", asked, "no layer could be listened to")
    else:
        words = {1.0: "off", 2.0: "on"}.get(
            runs if isinstance(runs, float) else -1.0, f"layers ran {shown(runs)} times"
        )
        yield judged("gradient_checkpointing", asked, words, same=words == shown(asked))
    yield compared("compile", job.compile, seen.compiled)
    if seen.operators is None:
        yield unreadable("attention", job.attention, "the model was compiled, so its operators were not listened to")
    else:
        yield compared("attention", job.attention, seen.operators.attention)
