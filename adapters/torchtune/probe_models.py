"""torchtune's model builders at a small size, with random weights, and data for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torchtune import config, training
from torchtune.datasets import PackedDataset
from torchtune.models.qwen2._convert_weights import qwen2_tune_to_hf
from torchtune.training import FullModelHFCheckpointer

from ..instruments.probing.context import Options, ProbeContext

SMALL = {
    "vocab_size": 512,
    "num_layers": 2,
    "num_heads": 4,
    "num_kv_heads": 2,
    "embed_dim": 64,
    "intermediate_dim": 128,
    "max_seq_len": 512,
}
LORA = {
    "lora_attn_modules": ["q_proj", "v_proj"],
    "apply_lora_to_mlp": False,
    "lora_rank": 4,
    "lora_alpha": 8,
    "lora_dropout": 0.0,
}
MODELS = __name__


class RandomWeights(FullModelHFCheckpointer):
    """A checkpointer for one of torchtune's builders that keeps the builder's random weights."""

    def __init__(self, model: dict[str, Any], **_: Any) -> None:
        self.model = model

    def load_checkpoint(self) -> dict[str, Any]:
        torch.manual_seed(0)
        weights = built(self.model).state_dict()
        return {training.MODEL_KEY: {name: tensor for name, tensor in weights.items() if "lora" not in name}}

    def save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""


def built(model: dict[str, Any]) -> torch.nn.Module:
    """Return the model of a config."""
    from omegaconf import OmegaConf

    module: torch.nn.Module = config.instantiate(OmegaConf.create(dict(model)))
    return module


def bytes_of(text: str) -> list[int]:
    """Return text as ids below 512, without a tokenizer."""
    return list(text.encode()[:200])


class Texts(torch.utils.data.Dataset[dict[str, list[int]]]):
    """The short documents."""

    def __init__(self, tokenizer: Any, path: str) -> None:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        self.rows = [bytes_of(json.loads(line)["text"]) for line in lines]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        return {"tokens": self.rows[index], "labels": self.rows[index]}


class Preferences(torch.utils.data.Dataset[dict[str, list[int]]]):
    """The prompts with a better and a worse answer each."""

    def __init__(self, tokenizer: Any, path: str) -> None:
        self.rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        row = {name: bytes_of(text) for name, text in self.rows[index].items()}
        sample = {}
        for side in ("chosen", "rejected"):
            sample[f"{side}_input_ids"] = row["prompt"] + row[side]
            sample[f"{side}_labels"] = [-100] * len(row["prompt"]) + row[side]
        return sample


def packed_texts(tokenizer: Any, path: str, packed: bool = True) -> PackedDataset:
    """Return the short documents in samples of 512. The recipes look for `packed` in the config."""
    return PackedDataset(Texts(tokenizer, path), max_seq_len=512, padding_idx=0)


def small(model: dict[str, Any], context: ProbeContext, name: str = "full") -> Options:
    """Return a config with one of torchtune's builders in place of Qwen3."""
    options = context.options(name)
    texts = {"_component_": f"{MODELS}.Texts", "path": str(context.text_path)}
    weights = {"_component_": f"{MODELS}.RandomWeights", "model": model}
    return {**options, "model": model, "checkpointer": weights, "dataset": texts}


def tiny_qwen2(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return a checkpoint of a small Qwen2 as transformers saves it, and the builder that fits it."""
    from safetensors.torch import save_file

    model = {"_component_": "torchtune.models.qwen2.qwen2", **SMALL, "norm_eps": 1e-6, "tie_word_embeddings": True}
    torch.manual_seed(0)
    weights = qwen2_tune_to_hf(
        built(model).state_dict(),
        num_heads=SMALL["num_heads"],
        num_kv_heads=SMALL["num_kv_heads"],
        dim=SMALL["embed_dim"],
        tie_word_embeddings=True,
    )
    folder.mkdir()
    save_file(
        {name: tensor.contiguous() for name, tensor in weights.items()}, folder / "model.safetensors", {"format": "pt"}
    )
    config = {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "hidden_size": SMALL["embed_dim"],
        "intermediate_size": SMALL["intermediate_dim"],
        "num_hidden_layers": SMALL["num_layers"],
        "num_attention_heads": SMALL["num_heads"],
        "num_key_value_heads": SMALL["num_kv_heads"],
        "vocab_size": SMALL["vocab_size"],
        "max_position_embeddings": SMALL["max_seq_len"],
        "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0,
        "tie_word_embeddings": True,
        "hidden_act": "silu",
        "torch_dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder, model


def own_checkpointer(context: ProbeContext) -> Options:
    """Return a full fine-tuning of the small Qwen2 through torchtune's checkpointer: two epochs of two steps."""
    folder, model = tiny_qwen2(context.folder / "qwen2")
    saver = {
        "_component_": "torchtune.training.FullModelHFCheckpointer",
        "checkpoint_dir": str(folder),
        "checkpoint_files": ["model.safetensors"],
        "model_type": "QWEN2",
        "output_dir": str(context.folder / "saved"),
    }
    changed = {**small(model, context), "checkpointer": saver, "output_dir": str(context.folder / "saved")}
    return {**changed, "epochs": 2, "max_steps_per_epoch": 2, "save_adapter_weights_only": False}
