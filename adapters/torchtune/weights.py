"""Read a transformers Qwen3 checkpoint, and the shared initial LoRA weights, under torchtune's names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torchtune import training
from torchtune.models.convert_weights import get_mapped_key
from torchtune.models.qwen2._convert_weights import _FROM_HF as QWEN2_FROM_HF
from torchtune.training import FullModelHFCheckpointer

FROM_HF = {
    **QWEN2_FROM_HF,
    "model.layers.{}.self_attn.q_norm.weight": "layers.{}.attn.q_norm.scale",
    "model.layers.{}.self_attn.k_norm.weight": "layers.{}.attn.k_norm.scale",
}
TO_HF = {torchtune: name for name, torchtune in FROM_HF.items() if torchtune is not None}
LORA_FROM_PEFT = {"lora_A.weight": "lora_a.weight", "lora_B.weight": "lora_b.weight"}


class Qwen3Checkpointer(FullModelHFCheckpointer):
    """torchtune's checkpointer for Hugging Face folders, with Qwen3's names.

    The initial LoRA weights come with the model's, so that the recipe needs no earlier checkpoint to start from them.
    Nothing is saved: the recipes save at every epoch's end, which does not belong to the job.
    """

    def __init__(self, *args: Any, initial_adapter_dir: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial_adapter_dir = initial_adapter_dir

    def load_checkpoint(self) -> dict[str, Any]:
        weights: dict[str, torch.Tensor] = {}
        for path in self._checkpoint_paths:
            weights.update(from_transformers(load_file(path), tied=self._config["tie_word_embeddings"]))
        if self.initial_adapter_dir is not None:
            weights.update(from_peft(load_file(Path(self.initial_adapter_dir) / "adapter_model.safetensors")))
        return {training.MODEL_KEY: weights}

    def save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""


def canonical_name(name: str) -> str:
    """See adapters.base.LiveJob: from torchtune's names back to those of the checkpoint and of peft."""
    for wrapping in ("_orig_mod.", "_checkpoint_wrapped_module."):
        name = name.replace(wrapping, "")
    matrix = ""
    for peft, torchtune in LORA_FROM_PEFT.items():
        if name.endswith(f".{torchtune}"):
            name, matrix = name.removesuffix(torchtune), peft
    is_tensor = name.endswith((".weight", ".scale"))
    known = name + "weight" if matrix else name if is_tensor else f"{name}.weight"
    layer = re.search(r"\.(\d+)\.", known)
    pattern = known if layer is None else known.replace(f".{layer[1]}.", ".{}.", 1)
    if (mapped := TO_HF.get(pattern)) is None:
        return name
    mapped = mapped if layer is None else mapped.format(layer[1])
    if matrix:
        return mapped.removesuffix("weight") + matrix
    return mapped if is_tensor else mapped.removesuffix(".weight")


def from_transformers(weights: dict[str, torch.Tensor], *, tied: bool) -> dict[str, torch.Tensor]:
    """Return Qwen3ForCausalLM's weights under torchtune's names. A tied lm_head in the hub's file is dropped."""
    return {
        get_mapped_key(name, FROM_HF): tensor
        for name, tensor in weights.items()
        if not (tied and name == "lm_head.weight")
    }


def from_peft(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return peft's LoRA weights under torchtune's names."""
    converted = {}
    for name, tensor in weights.items():
        layer, matrix = name.removeprefix("base_model.model.").rsplit(".lora_", 1)
        mapped = get_mapped_key(f"{layer}.weight", FROM_HF).removesuffix("weight")
        converted[mapped + LORA_FROM_PEFT[f"lora_{matrix}"]] = tensor
    return converted
