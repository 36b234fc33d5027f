"""What a job needs at least, from its shape alone: floating-point operations, bytes moved, bytes held.

A cell's figures divided by these and by the chip's ceilings say how much of the chip it used, whatever the framework.
"""

from __future__ import annotations

from harness.job.job import Job

BYTES = {"fp32": 4, "bf16": 2}
NF4_BYTES = 0.5 + 0.127 / 8
"""Bytes of a weight in NF4 with double quantization: 4 bits, and 0.127 bits for its block's scale (Dettmers et al.
2023).
"""
ADAM_STATES = 2


def matmul_parameters(job: Job) -> int:
    """Return the weights that multiply each token: all but the norms and the embedding lookup. A tied head counts once.

    Checked against 595,984,384 for Qwen3-0.6B.
    """
    shape = job.shape
    norms = shape.num_hidden_layers * (2 * shape.hidden_size + 2 * shape.head_dim) + shape.hidden_size
    lookup = 0 if shape.tie_word_embeddings else shape.vocab_size * shape.hidden_size
    return shape.parameters - norms - lookup


def attention_flops_per_token(job: Job) -> int:
    """Return the FLOPs of attention, forward and backward, over a causal sequence.

    Scores and weighted sums: half of 12 layers x width x length.
    """
    shape = job.shape
    return 6 * shape.num_hidden_layers * shape.num_attention_heads * shape.head_dim * job.sequence_length


def flops_per_token(job: Job) -> int:
    """Return the FLOPs that the job's mathematics needs, forward and backward.

    Full: 6 per weight (2 forward, 4 backward). LoRA and QLoRA: 4 per frozen weight, which needs no gradient, and 6 per
    weight of the adapter. Recomputation and dequantization do not count.
    """
    base = matmul_parameters(job)
    if not job.uses_lora:
        return 6 * base + attention_flops_per_token(job)
    return 4 * base + 6 * job.trainable_parameters + attention_flops_per_token(job)


def weight_bytes(job: Job) -> float:
    """Return the bytes of all weights as they are held: the base (NF4 for QLoRA's linear layers) and the adapter."""
    each = BYTES[job.precision]
    held = float(job.shape.parameters * each)
    if job.quantization == "nf4":
        held -= linear_parameters(job) * (each - NF4_BYTES)
    return held + (job.trainable_parameters * each if job.uses_lora else 0)


def linear_parameters(job: Job) -> int:
    """Return the parameters of the layers' linear maps, which QLoRA quantizes; the head stays as it is."""
    return matmul_parameters(job) - job.shape.vocab_size * job.shape.hidden_size


def memory_floor_bytes(job: Job) -> float:
    """Return the least bytes that training holds at once.

    These are weights, gradients, optimizer state, and one hidden state per layer. Everything else, the logits too, can
    be recomputed or computed in pieces. What exceeds it is the framework's choice, often a good one: memory buys speed.
    """
    each = BYTES[job.precision]
    trained = job.trainable_parameters * each
    tokens = job.micro_batch_size * job.sequence_length
    hidden = (job.shape.num_hidden_layers + 1) * tokens * job.shape.hidden_size * each
    return weight_bytes(job) + trained * (1 + ADAM_STATES) + hidden


def least_bytes_per_step(job: Job) -> float:
    """Return the least bytes that an optimizer step moves.

    Per micro-batch: the weights are read twice (of an embedding that is no head only some rows, not counted); gradients
    are written, and from the second micro-batch on read and added to. Per step: the gradients are read, weights and
    state are read and written.
    """
    shape, each = job.shape, BYTES[job.precision]
    lookup = 0 if shape.tie_word_embeddings else shape.vocab_size * shape.hidden_size * each
    trained = job.trainable_parameters * each
    per_micro_batch = 2 * (weight_bytes(job) - lookup) + trained
    added = (job.gradient_accumulation_steps - 1) * trained
    update = trained * (1 + 2 + 2 * ADAM_STATES)
    return job.gradient_accumulation_steps * per_micro_batch + added + update
