"""Read a model folder's config.json."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pydantic

from harness.errors import ModelError
from harness.files.yaml_files import first_problem
from harness.job.job import JobError, ModelShape

SHAPE = pydantic.TypeAdapter(ModelShape)
FIRST_SPECIAL_TOKEN = 151_643
"""Qwen3's <|endoftext|>, which ends every document. Lower ids are text."""
DTYPES = ("float32", "bfloat16", "float16")


def _is(*values: Any) -> Callable[[Any], bool]:
    return lambda value: any(type(value) is type(allowed) and value == allowed for allowed in values)


def _is_unscaled(rope: Any) -> bool:
    kinds = {"rope_type", "type"}
    if not isinstance(rope, dict):
        return rope is None
    return rope.keys() <= {"rope_theta", *kinds} and all(rope.get(kind) in (None, "default") for kind in kinds)


def _is_full_attention(layers: Any) -> bool:
    return layers is None or (isinstance(layers, list) and all(layer == "full_attention" for layer in layers))


def _is_anything(_: Any) -> bool:
    return True


NEUTRAL: Mapping[str, Callable[[Any], bool]] = {
    "architectures": lambda names: names in (None, ["Qwen3ForCausalLM"]),
    "model_type": _is("qwen3"),
    "attention_bias": _is(False),
    "attention_dropout": _is(0.0, 0),
    "hidden_act": _is("silu"),
    "rope_parameters": _is_unscaled,
    "rope_scaling": _is_unscaled,
    "partial_rotary_factor": _is(1.0, 1),
    "layer_types": _is_full_attention,
    "use_sliding_window": _is(False),
    "sliding_window": _is(None),
    "max_window_layers": _is_anything,
    "mlp_bias": _is(False),
    "quantization_config": _is(None),
    "pretraining_tp": _is(1),
    "pad_token_id": lambda token: token is None or (isinstance(token, int) and token > FIRST_SPECIAL_TOKEN),
    "dtype": _is(None, *DTYPES),
    "torch_dtype": _is(None, *DTYPES),
    "is_decoder": _is(False, True),
    "is_encoder_decoder": _is(False),
    "add_cross_attention": _is(False),
    "chunk_size_feed_forward": _is(0),
    "output_attentions": _is(False),
    "output_hidden_states": _is(False),
    "output_router_logits": _is(False),
    **dict.fromkeys(
        (
            *(field.name for field in dataclasses.fields(ModelShape)),
            "_name_or_path",
            "bos_token_id",
            "eos_token_id",
            "id2label",
            "initializer_range",
            "label2id",
            "problem_type",
            "return_dict",
            "tokenizer_class",
            "transformers_version",
            "unsloth_fixed",
            "unsloth_version",
            "use_cache",
        ),
        _is_anything,
    ),
}
"""Values of config.json keys that change no training (the job says the shape).

The gradient of a pad token's embedding is zero in transformers.
"""


def read_config(folder: Path) -> dict[str, Any]:
    """Return the mapping in config.json. Raises ModelError if there is none."""
    path = folder / "config.json"
    try:
        text = path.read_text(encoding="utf-8")
        if text.startswith("\ufeff"):
            raise ModelError(f"{path}: begins with a byte order mark, which frameworks do not read; save it without")
        config = json.loads(text)
    except FileNotFoundError as error:
        raise ModelError(f"{folder}: has no config.json, so it is not a model folder") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: is not JSON ({error})") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path}: must hold a mapping")
    return config


def shape_of(folder: Path) -> ModelShape:
    """Return the dimensions in config.json. Raises ModelError if it is not a Qwen3 model's."""
    path = folder / "config.json"
    config = read_config(folder)
    if config.get("model_type") != "qwen3":
        raise ModelError(f"{path}: model_type = {config.get('model_type')!r}: must be 'qwen3'")
    _check_neutral(path, config)
    # transformers 5 writes rope_parameters.rope_theta, 4 wrote rope_theta.
    rope = {"rope_theta": config.get("rope_theta"), **(config.get("rope_parameters") or {})}
    values: dict[str, Any] = {field.name: config.get(field.name) for field in dataclasses.fields(ModelShape)}
    values["rope_theta"] = rope["rope_theta"]
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise ModelError(f"{path}: does not say {', '.join(missing)}")
    try:
        # Strict validation accepts a mapping for a dataclass only from JSON.
        return SHAPE.validate_json(json.dumps(values), strict=True)
    except pydantic.ValidationError as error:
        cause = error.errors()[0].get("ctx", {}).get("error")
        if isinstance(cause, JobError):
            raise ModelError(f"{path}: {cause}") from error
        key, problem = first_problem(error)
        raise ModelError(f"{path}: {key}: {problem}") from error


def _check_neutral(path: Path, config: Mapping[str, Any]) -> None:
    """Refuse keys that some frameworks obey and others ignore: they would train different models."""
    settings = [
        f"{key} = {json.dumps(value)[:80]}" for key, value in config.items() if not NEUTRAL.get(key, _is())(value)
    ]
    if settings:
        raise ModelError(
            f"{path}: {', '.join(settings)}: may change the model, and frameworks differ in whether they obey; "
            "only a plain Qwen3 can be compared"
        )
