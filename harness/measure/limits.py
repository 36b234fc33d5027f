"""What a job cannot do without, from its shape alone: floating-point operations, bytes moved, bytes held.

A cell divided by these and by what its chip can do says how much of the chip was put to use, whatever the framework.
"""

from __future__ import annotations

from harness.job.job import Job

BYTES = {"fp32": 4, "bf16": 2}
NF4_BYTES = 0.5 + 0.127 / 8
"""A weight in NF4 with double quantization: 4 bits, and 0.127 for its block's scale (Dettmers et al. 2023)."""
ADAM_STATES = 2


def matmul_parameters(job: Job) -> int:
    """Weights that multiply each token: all but the norms and the embedding's lookup; a tied head counts once.

    Checked against 595,984,384 for Qwen3-0.6B.
    """
    shape = job.shape
    norms = shape.num_hidden_layers * (2 * shape.hidden_size + 2 * shape.head_dim) + shape.hidden_size
    lookup = 0 if shape.tie_word_embeddings else shape.vocab_size * shape.hidden_size
    return shape.parameters - norms - lookup


def attention_flops_per_token(job: Job) -> int:
    """Of scores and weighted sums, forward and backward, over a causal sequence: half of 12 layers x width x length."""
    shape = job.shape
    return 6 * shape.num_hidden_layers * shape.num_attention_heads * shape.head_dim * job.sequence_length


def flops_per_token(job: Job) -> int:
    """That the job's mathematics needs, forward and backward; recomputation and dequantization are not counted.

    Full: 6 per weight (2 forward, 4 backward). LoRA and QLoRA: 4 per frozen weight, which needs no gradient of its
    own, and 6 per weight of the adapter.
    """
    base = matmul_parameters(job)
    if not job.uses_lora:
        return 6 * base + attention_flops_per_token(job)
    return 4 * base + 6 * job.trainable_parameters + attention_flops_per_token(job)


def weight_bytes(job: Job) -> float:
    """Of all weights as they are held: the base, in NF4 for QLoRA's linear layers, and the adapter."""
    each = BYTES[job.precision]
    held = float(job.shape.parameters * each)
    if job.quantization == "nf4":
        held -= linear_parameters(job) * (each - NF4_BYTES)
    return held + (job.trainable_parameters * each if job.uses_lora else 0)


def linear_parameters(job: Job) -> int:
    """Of the layers' linear maps, which QLoRA quantizes; the head stays as it is."""
    return matmul_parameters(job) - job.shape.vocab_size * job.shape.hidden_size


def memory_floor_bytes(job: Job) -> float:
    """The least that training holds at once: weights, gradients, optimizer state, and one hidden state per layer.

    Everything else, the logits too, can be computed again or in pieces. What exceeds it is the framework's choice,
    often a good one: memory buys speed.
    """
    each = BYTES[job.precision]
    trained = job.trainable_parameters * each
    tokens = job.micro_batch_size * job.sequence_length
    hidden = (job.shape.num_hidden_layers + 1) * tokens * job.shape.hidden_size * each
    return weight_bytes(job) + trained * (1 + ADAM_STATES) + hidden


def least_bytes_per_step(job: Job) -> float:
    """The least that an optimizer step moves: each weight read forward and backward, gradients and state once each.

    Per micro-batch: the weights twice (of an embedding that is no head only some rows, not counted); gradients
    written, and from the second on read and added to. Per step: the gradients read, weights and state read and written.
    """
    shape, each = job.shape, BYTES[job.precision]
    lookup = 0 if shape.tie_word_embeddings else shape.vocab_size * shape.hidden_size * each
    trained = job.trainable_parameters * each
    per_micro_batch = 2 * (weight_bytes(job) - lookup) + trained
    added = (job.gradient_accumulation_steps - 1) * trained
    update = trained * (1 + 2 + 2 * ADAM_STATES)
    return job.gradient_accumulation_steps * per_micro_batch + added + update
