"""An exporter that spoils what transformers exported, as its config asks. Imported in transformers' environment."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch

from adapters.instruments.exporting.exporter import Trained
from adapters.transformers.export import TransformersExporter

PLANTED = "planted"
"""Key of the config that names the fault."""
WEIGHTS = "model.safetensors"
ADAPTER = "its-adapter"


class SpoilingExporter(TransformersExporter):
    """Exports, and then spoils the folder."""

    def export(self, trained: Trained, folder: Path) -> None:
        if trained.uses_lora:
            trained.live.model.save_pretrained(trained.scratch / ADAPTER)
        super().export(trained, folder)
        FAULTS[trained.options[PLANTED]](trained, folder)


def nothing(trained: Trained, folder: Path) -> None:
    """Leave the export as it is."""


def lost_adapter(trained: Trained, folder: Path) -> None:
    """Hold the weights from before training."""
    shutil.copyfile(trained.model_path / WEIGHTS, folder / WEIGHTS)


def half_an_adapter(trained: Trained, folder: Path) -> None:
    """Merge with half of the scale."""
    before = safetensors.torch.load_file(trained.model_path / WEIGHTS)
    after = safetensors.torch.load_file(folder / WEIGHTS)
    _save({name: (values + before[name]) / 2 for name, values in after.items()}, folder)


def adapter_twice(trained: Trained, folder: Path) -> None:
    """Keep the adapter beside the merged weights, as torchtune's checkpointer does."""
    for path in (trained.scratch / ADAPTER).glob("adapter_*"):
        shutil.copyfile(path, folder / path.name)


def untied(trained: Trained, folder: Path) -> None:
    """Say that head and embedding are two tensors, and store both."""
    _edit(folder / "config.json", {"tie_word_embeddings": False})
    weights = safetensors.torch.load_file(folder / WEIGHTS)
    _save({**weights, "lm_head.weight": weights["model.embed_tokens.weight"].clone()}, folder)


def another_head(trained: Trained, folder: Path) -> None:
    """Store a head that is not the embedding to which it is tied."""
    weights = safetensors.torch.load_file(folder / WEIGHTS)
    _save({**weights, "lm_head.weight": weights["model.embed_tokens.weight"] * 1.01}, folder)


def changed_embedding(trained: Trained, folder: Path) -> None:
    """Change weights that were not trained."""
    weights = safetensors.torch.load_file(folder / WEIGHTS)
    weights["model.embed_tokens.weight"][5:9] = 0.0
    _save(weights, folder)


def lost_layer(trained: Trained, folder: Path) -> None:
    """Leave out a tensor, which transformers then makes up."""
    weights = safetensors.torch.load_file(folder / WEIGHTS)
    del weights["model.layers.0.mlp.up_proj.weight"]
    _save(weights, folder)


def other_rope(trained: Trained, folder: Path) -> None:
    """Turn positions by another base."""
    _edit(folder / "config.json", {"rope_theta": 5e5, "rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}})


def other_merges(trained: Trained, folder: Path) -> None:
    """Lose the last thousand merges of the tokenizer."""
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["model"]["merges"] = content["model"]["merges"][:1000]
    path.write_text(json.dumps(content), encoding="utf-8")


def other_end(trained: Trained, folder: Path) -> None:
    """End texts with another token."""
    _edit(folder / "tokenizer_config.json", {"eos_token": "<|im_start|>"})


def no_tokenizer(trained: Trained, folder: Path) -> None:
    """Save no tokenizer."""
    (folder / "tokenizer.json").unlink()


def _edit(path: Path, changes: dict[str, Any]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, **changes}), encoding="utf-8")


def _save(weights: dict[str, Any], folder: Path) -> None:
    safetensors.torch.save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


FAULTS: dict[str, Callable[[Trained, Path], None]] = {
    fault.__name__: fault
    for fault in (
        nothing,
        lost_adapter,
        half_an_adapter,
        adapter_twice,
        untied,
        another_head,
        changed_embedding,
        lost_layer,
        other_rope,
        other_merges,
        other_end,
        no_tokenizer,
    )
}
EXPORTER = SpoilingExporter()
