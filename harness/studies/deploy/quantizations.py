"""The formats that a result can have for llama.cpp, and how large each file becomes."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import RecipeError
from harness.files.yaml_files import nearest
from harness.job.job import ModelShape

F16 = "f16"
"""The format that every other is made from."""
BLOCK = 32
"""Weights that share a scale in every quantized format: a row must hold whole blocks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantization:
    """One format."""

    name: str
    """As llama.cpp names it, in small letters."""
    bits_per_weight: float
    """With a tied embedding, which the mixed formats keep in Q6_K; measured on Qwen3-0.6B's shape, or nominal."""


ALL = (
    Quantization(name=F16, bits_per_weight=16.0),
    Quantization(name="bf16", bits_per_weight=16.0),
    Quantization(name="q8_0", bits_per_weight=8.5),
    Quantization(name="q6_k", bits_per_weight=6.6),
    Quantization(name="q5_k_m", bits_per_weight=5.9),
    Quantization(name="q4_k_m", bits_per_weight=5.3),
    Quantization(name="q4_0", bits_per_weight=5.1),
    Quantization(name="q3_k_m", bits_per_weight=4.6),
    Quantization(name="q2_k", bits_per_weight=4.2),
)
QUANTIZATIONS = {one.name: one for one in ALL}
METADATA_BYTES = 8 * 2**20
"""Tokens and merges of Qwen3's tokenizer in a GGUF file (5.9 MB)."""


def choose_quantizations(text: str) -> tuple[Quantization, ...]:
    """Return the formats of names with commas, in the order of ALL. Raises RecipeError."""
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    if not names:
        raise RecipeError("command line", "--quantize", f"names none; allowed are {', '.join(QUANTIZATIONS)}")
    for name in names:
        if name not in QUANTIZATIONS:
            problem = f"{name!r} is not one of {', '.join(QUANTIZATIONS)}{nearest(name, QUANTIZATIONS)}"
            raise RecipeError("command line", "--quantize", problem)
    return tuple(one for one in ALL if one.name in names)


def file_bytes(shape: ModelShape, quantization: Quantization) -> int:
    """Return about how large a file becomes, rounded up."""
    return int(shape.parameters * quantization.bits_per_weight / 8) + METADATA_BYTES


def why_not_quantizable(shape: ModelShape, quantization: Quantization) -> str:
    """Return why llama.cpp cannot store a model of this shape in a format; empty if it can."""
    if quantization.bits_per_weight >= 16:
        return ""
    rows = {
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "num_attention_heads times head_dim": shape.num_attention_heads * shape.head_dim,
    }
    odd = [f"{name} is {size}" for name, size in rows.items() if size % BLOCK]
    return f"{quantization.name} stores rows in blocks of {BLOCK} weights, and {', '.join(odd)}" if odd else ""


def key_value_bytes_per_token(shape: ModelShape) -> int:
    """Bytes of llama.cpp's cache for each token of context, in F16 as it is by default (114,688 for Qwen3-0.6B)."""
    return 2 * 2 * shape.num_hidden_layers * shape.num_key_value_heads * shape.head_dim
