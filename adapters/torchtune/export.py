"""Export what torchtune trained: its recipes save at the end of the epoch, by its own checkpointer."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torchtune.models.qwen2._convert_weights import _FROM_HF as QWEN2_FROM_HF
from torchtune.training import FullModelHFCheckpointer

from ..base import deep_merge
from ..instruments.exporting.exporter import Exporter, Trained
from ..instruments.exporting.kept_weights import names_in
from .weights import FROM_HF, Qwen3Checkpointer

EPOCH = "epoch_0"
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.pt")


class SavingQwen3Checkpointer(Qwen3Checkpointer):
    """The training's checkpointer, for an export: what it saves goes through torchtune's own conversion and writer."""

    def save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """Save by FullModelHFCheckpointer, which finds Qwen3's names in its table of Qwen2's."""
        QWEN2_FROM_HF.update(FROM_HF)
        # Its own load_checkpoint, which ours replaces, notes the file of each tensor. One file is enough.
        self._weight_map = dict.fromkeys((name for path in self._checkpoint_paths for name in names_in(path)), "0001")
        FullModelHFCheckpointer.save_checkpoint(self, *args, **kwargs)


class TorchtuneExporter(Exporter):
    """FullModelHFCheckpointer, which writes a Hugging Face folder per epoch."""

    by = "FullModelHFCheckpointer, which its recipes call after each epoch"

    def workarounds(self, method: str) -> tuple[str, ...]:
        found = ["torchtune 0.6.1 has no Qwen3: its names of q_norm and k_norm are added to its table of Qwen2's"]
        if method != "full":
            # Seen in 0.6.1 with transformers 5: the merged weights and the adapter are saved in one folder.
            found.append("its adapter's files are taken out of the folder: transformers would apply the adapter twice")
        return tuple(found)

    def kept(self, options: Mapping[str, Any], method: str) -> dict[str, Any]:
        checkpointer = {"_component_": f"{__name__}.SavingQwen3Checkpointer", "safe_serialization": True}
        kept = deep_merge(options, {"checkpointer": checkpointer})
        return {**kept, "save_adapter_weights_only": False} if method != "full" else kept

    def export(self, trained: Trained, folder: Path) -> None:
        saved = Path(trained.options["output_dir"]) / EPOCH
        shutil.copytree(saved, folder, ignore=shutil.ignore_patterns(*ADAPTER_FILES))


EXPORTER = TorchtuneExporter()
