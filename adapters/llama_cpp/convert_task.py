"""A folder that transformers loads -> a GGUF file in F16. In a cell's process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from ..base import Adapter, Recorder
from .safetensors_file import tensors_in

QWEN3 = "Qwen3ForCausalLM"
PRE_TOKENIZER = "qwen2"
"""llama.cpp's name of the rule by which Qwen's tokenizers split text."""
LARGEST_F16 = 65504.0


def run(adapter: Adapter, recorder: Recorder, task: Mapping[str, Any]) -> None:
    """Convert the model in `model_path` to the file `gguf_path`."""
    folder = Path(task["model_path"])
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("architectures") != [QWEN3]:
        raise ValueError(f"architectures = {config.get('architectures')}: this converts {QWEN3}")
    writer = gguf.GGUFWriter(task["gguf_path"], gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.QWEN3])
    add_metadata(writer, config, name=task["name"])
    add_tokenizer(writer, folder, int(config["vocab_size"]), config)
    add_tensors(writer, folder, config)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_metadata(writer: Any, config: Mapping[str, Any], *, name: str) -> None:
    """Write the model's dimensions."""
    rope = {"rope_theta": config.get("rope_theta"), **(config.get("rope_parameters") or {})}
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(config["vocab_size"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_rope_freq_base(float(rope["rope_theta"]))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])


def add_tokenizer(writer: Any, folder: Path, entries: int, config: Mapping[str, Any]) -> None:
    """Write the byte-pair tokenizer in tokenizer.json, and the special ids of config.json."""
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    # Entries of the embedding that no token has.
    tokens = [f"[PAD{index}]" for index in range(entries)]
    kinds = [gguf.TokenType.UNUSED] * entries
    for text, index in content["model"]["vocab"].items():
        tokens[index], kinds[index] = text, gguf.TokenType.NORMAL
    for added in content["added_tokens"]:
        special = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
        tokens[added["id"]], kinds[added["id"]] = added["content"], special
    # tokenizers 0.20 and newer write a merge as a pair, older ones as one text.
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in content["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZER)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_add_bos_token(False)
    if isinstance(end := config.get("eos_token_id"), int):
        writer.add_eos_token_id(end)
    if isinstance(pad := config.get("pad_token_id"), int):
        writer.add_pad_token_id(pad)
    if template := chat_template(folder):
        writer.add_chat_template(template)


def chat_template(folder: Path) -> str:
    """Return the chat template beside a tokenizer; empty if there is none."""
    if (folder / "chat_template.jinja").is_file():
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    if not (folder / "tokenizer_config.json").is_file():
        return ""
    found = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")).get("chat_template")
    return found if isinstance(found, str) else ""


def add_tensors(writer: Any, folder: Path, config: Mapping[str, Any]) -> None:
    """Write matrices as F16 and norms as F32, under llama.cpp's names. Raises ValueError for what does not fit."""
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, config["num_hidden_layers"])
    for name, values in tensors_in(folder):
        if name == "lm_head.weight" and config["tie_word_embeddings"]:
            continue
        known = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if known is None:
            raise ValueError(f"llama.cpp's Qwen3 has no tensor {name}")
        if values.ndim == 1:
            writer.add_tensor(known, np.array(values))
            continue
        if float(np.abs(values).max()) > LARGEST_F16:
            raise ValueError(f"{name} holds {np.abs(values).max():.3g}, which F16 cannot hold")
        writer.add_tensor(known, values.astype(np.float16))
