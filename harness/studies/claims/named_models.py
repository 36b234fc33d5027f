"""The models that claims name and this harness trains, by shape: speed and memory depend on nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from harness.job.job import Job, ModelShape

QWEN3_06B = "Qwen/Qwen3-0.6B"


def _qwen3(*, hidden: int, intermediate: int, layers: int, heads: int, tied: bool) -> ModelShape:
    """Return a dense Qwen3's shape. Source: each model's config.json on the hub."""
    return ModelShape(
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=8,
        head_dim=128,
        vocab_size=151936,
        max_position_embeddings=40960,
        rms_norm_eps=1e-6,
        rope_theta=1e6,
        tie_word_embeddings=tied,
    )


MODELS: Mapping[str, ModelShape] = {
    QWEN3_06B: _qwen3(hidden=1024, intermediate=3072, layers=28, heads=16, tied=True),
    "Qwen/Qwen3-8B": _qwen3(hidden=4096, intermediate=12288, layers=36, heads=32, tied=False),
}


def model_of(job: Job) -> str:
    """Return the name of the job's model; for another shape, its size."""
    for name, shape in MODELS.items():
        if shape.parameters == job.shape.parameters:
            return name
    return f"a Qwen3 of {job.shape.parameters / 1e6:.0f}M parameters"
