"""Seeded random weights as safetensors, without torch: a whole model of a shape, and the initial LoRA adapter."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import save_file

from harness.errors import ModelError
from harness.job.job import DTYPES, Job, ModelShape, Precision, projection_sizes

Floats = npt.NDArray[np.float32]
INITIAL_STD = 0.02
NORM_STD = 0.3
"""Norm weights of exactly one would hide a wrong order of norm and rotary embedding."""


def write_random_model(shape: ModelShape, precision: Precision, seed: int, folder: Path) -> None:
    """Write config.json and model.safetensors of a Qwen3 model with seeded random weights."""
    (folder / "config.json").write_text(json.dumps(qwen3_config(shape, precision), indent=2) + "\n", encoding="utf-8")
    tensors = {}
    for name, size in model_tensors(shape):
        values = _normal(name, size, seed)
        values = 1 + NORM_STD * values if len(size) == 1 else INITIAL_STD * values
        tensors[name] = _stored(values, precision)
    _save(tensors, folder / "model.safetensors")


def write_initial_adapter(job: Job, folder: Path) -> None:
    """Write a peft folder with a LoRA adapter as peft initialises it: A uniform within 1/sqrt(inputs), B zero."""
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": None,
        "r": job.lora_rank,
        "lora_alpha": job.lora_alpha,
        "lora_dropout": job.lora_dropout,
        "target_modules": sorted(job.target_modules),
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": False,
        "modules_to_save": None,
        "use_rslora": False,
        "use_dora": False,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    sizes = projection_sizes(job.shape)
    tensors = {}
    for layer in range(job.shape.num_hidden_layers):
        for module in job.target_modules:
            inputs, outputs = sizes[module]
            part = "self_attn" if module in {"q_proj", "k_proj", "v_proj", "o_proj"} else "mlp"
            name = f"base_model.model.model.layers.{layer}.{part}.{module}"
            bound = 1 / np.sqrt(inputs)
            first = _generator(f"{name}.lora_A", job.seed).uniform(-bound, bound, (job.lora_rank, inputs))
            second = np.zeros((outputs, job.lora_rank), dtype=np.float32)
            tensors[f"{name}.lora_A.weight"] = _stored(first.astype(np.float32), job.precision)
            tensors[f"{name}.lora_B.weight"] = _stored(second, job.precision)
    _save(tensors, folder / "adapter_model.safetensors")


def qwen3_config(shape: ModelShape, precision: Precision) -> dict[str, Any]:
    """Return config.json of Qwen3ForCausalLM with every field. Qwen3Config's defaults are those of another size."""
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": None,
        "eos_token_id": 151645,
        "pad_token_id": None,
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "hidden_size": shape.hidden_size,
        "initializer_range": INITIAL_STD,
        "intermediate_size": shape.intermediate_size,
        "max_position_embeddings": shape.max_position_embeddings,
        "max_window_layers": shape.num_hidden_layers,
        "num_attention_heads": shape.num_attention_heads,
        "num_hidden_layers": shape.num_hidden_layers,
        "num_key_value_heads": shape.num_key_value_heads,
        "rms_norm_eps": shape.rms_norm_eps,
        "rope_scaling": None,
        "rope_theta": shape.rope_theta,
        "sliding_window": None,
        "tie_word_embeddings": shape.tie_word_embeddings,
        "torch_dtype": DTYPES[precision],
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": shape.vocab_size,
    }


def model_tensors(shape: ModelShape) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield name and size of each tensor of a Qwen3 checkpoint."""
    yield "model.embed_tokens.weight", (shape.vocab_size, shape.hidden_size)
    for index in range(shape.num_hidden_layers):
        layer = f"model.layers.{index}"
        for module, (inputs, outputs) in projection_sizes(shape).items():
            part = "self_attn" if module in {"q_proj", "k_proj", "v_proj", "o_proj"} else "mlp"
            yield f"{layer}.{part}.{module}.weight", (outputs, inputs)
        yield f"{layer}.self_attn.q_norm.weight", (shape.head_dim,)
        yield f"{layer}.self_attn.k_norm.weight", (shape.head_dim,)
        yield f"{layer}.input_layernorm.weight", (shape.hidden_size,)
        yield f"{layer}.post_attention_layernorm.weight", (shape.hidden_size,)
    yield "model.norm.weight", (shape.hidden_size,)
    if not shape.tie_word_embeddings:
        yield "lm_head.weight", (shape.vocab_size, shape.hidden_size)


def _save(tensors: dict[str, npt.NDArray[Any]], path: Path) -> None:
    try:
        save_file(tensors, path, metadata={"format": "pt"})
    except SafetensorError as error:
        raise ModelError(f"{path.name} could not be written to the cache: {error}") from error


def _generator(name: str, seed: int) -> np.random.Generator:
    """Return a separate random stream per tensor, so that the order of writing changes nothing."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _normal(name: str, size: tuple[int, ...], seed: int) -> Floats:
    return _generator(name, seed).standard_normal(size, dtype=np.float32)


def _stored(values: Floats, precision: Precision) -> npt.NDArray[Any]:
    """Return the values in the precision of the file, rounded to nearest even."""
    return values if precision == "fp32" else values.astype(ml_dtypes.bfloat16)
