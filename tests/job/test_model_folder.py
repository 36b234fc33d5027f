from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ModelError
from harness.job.job import Job
from harness.job.model_folder import shape_of
from harness.prepare.weights import qwen3_config

PUBLISHED: dict[str, Any] = {
    "architectures": ["Qwen3ForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 151643,
    "eos_token_id": 151645,
    "hidden_act": "silu",
    "initializer_range": 0.02,
    "max_window_layers": 28,
    "rope_scaling": None,
    "sliding_window": None,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.51.0",
    "use_cache": True,
    "use_sliding_window": False,
}
"""What Qwen/Qwen3-0.6B says beside its shape."""


def folder_with(folder: Path, job: Job, **changes: Any) -> Path:
    config = {**qwen3_config(job.shape, "fp32"), **PUBLISHED, **changes}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "neutral",
    [
        {},
        {"pad_token_id": 151654, "unsloth_fixed": True},
        {"rope_parameters": {"rope_theta": 1e6, "rope_type": "default"}},
        {"rope_scaling": {"type": "default"}},
        {"layer_types": ["full_attention", "full_attention"]},
        {"dtype": "bfloat16", "partial_rotary_factor": 1.0},
    ],
)
def test_a_plain_model_is_read_however_its_version_wrote_it(
    tmp_path: Path, tiny_job: Job, neutral: dict[str, Any]
) -> None:
    theta = neutral.get("rope_parameters", {}).get("rope_theta", tiny_job.shape.rope_theta)
    found = shape_of(folder_with(tmp_path, tiny_job, **neutral))
    assert found == dataclasses.replace(tiny_job.shape, rope_theta=theta)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rope_scaling", {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}),
        ("rope_scaling", {"type": "linear", "factor": 2.0}),
        ("rope_parameters", {"rope_theta": 1e6, "rope_type": "dynamic", "factor": 2.0}),
        ("rope_parameters", {"rope_theta": 1e6, "partial_rotary_factor": 0.5}),
        ("rope_scaling", "yarn"),
        ("attention_bias", True),
        ("attention_bias", 1),
        ("attention_dropout", 0.1),
        ("hidden_act", "gelu"),
        ("sliding_window", 4096),
        ("use_sliding_window", True),
        ("layer_types", ["full_attention", "sliding_attention"]),
        ("quantization_config", {"quant_method": "bitsandbytes", "load_in_4bit": True}),
        ("architectures", ["Qwen3ForSequenceClassification"]),
        ("auto_map", {"AutoModelForCausalLM": "modeling.Qwen3"}),
        ("pad_token_id", 151643),
        ("dtype", "float8_e4m3fn"),
        ("is_encoder_decoder", True),
        ("a_key_of_next_year", None),
    ],
)
def test_what_may_change_the_model_is_refused_by_key_and_value(
    tmp_path: Path, tiny_job: Job, key: str, value: object
) -> None:
    with pytest.raises(ModelError) as refused:
        shape_of(folder_with(tmp_path, tiny_job, **{key: value}))
    assert f"config.json: {key} = {json.dumps(value)[:80]}: may change the model" in str(refused.value)


def test_all_that_may_change_the_model_is_named_at_once(tmp_path: Path, tiny_job: Job) -> None:
    with pytest.raises(ModelError, match=r"attention_bias = true, hidden_act = \"gelu\": may change"):
        shape_of(folder_with(tmp_path, tiny_job, attention_bias=True, hidden_act="gelu"))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("hidden_size", "1024", "hidden_size: '1024': input should be a valid integer"),
        ("hidden_size", 1024.5, "hidden_size: 1024.5: input should be a valid integer"),
        ("num_hidden_layers", True, "num_hidden_layers: True: input should be a valid integer"),
        ("num_hidden_layers", 0, "num_hidden_layers = 0: must be a whole number, 1 or more"),
        ("tie_word_embeddings", "false", "tie_word_embeddings: 'false': input should be a valid boolean"),
        ("head_dim", None, "does not say head_dim"),
    ],
)
def test_a_dimension_that_cannot_be_is_named(
    tmp_path: Path, tiny_job: Job, key: str, value: object, words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        shape_of(folder_with(tmp_path, tiny_job, **{key: value}))


def test_a_byte_order_mark_is_told_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8-sig")
    with pytest.raises(ModelError, match="begins with a byte order mark, which frameworks do not read"):
        shape_of(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, "\xff"])
def test_a_config_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text, encoding="latin-1")
    with pytest.raises(ModelError, match=r"config.json: (is not JSON|must hold a mapping)"):
        shape_of(tmp_path)
