"""Export what Unsloth trained."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import unsloth  # isort: skip  (it patches what the others import, so it comes first)
import torch
import transformers
from unsloth_zoo.llama_cpp import check_llama_cpp

from ..instruments.exporting.exporter import Exporter, Trained


class UnslothExporter(Exporter):
    """save_pretrained_merged, as its notebooks call it."""

    by = f"save_pretrained_merged of Unsloth {unsloth.__version__}"

    def workarounds(self, method: str) -> tuple[str, ...]:
        if method != "qlora" or unsloth.DEVICE_TYPE != "cpu":
            return ()
        return ("on a CPU it merges into no 4-bit model (2026.10.9): the adapter is loaded again without 4 bits",)

    def own_gguf(self, trained: Trained, engine_source: Path) -> Path | None:
        """Convert by save_pretrained_gguf. It would fetch llama.cpp; one in the working folder it takes as it is."""
        os.environ |= {"UNSLOTH_LLAMA_CPP_OFFLINE": "1", "UNSLOTH_CONVERTER_STAGE": "0", "UNSLOTH_AUTO_INSTALL": "0"}
        Path("llama.cpp").symlink_to(engine_source)
        # Raises if it is not usable: otherwise Unsloth would install another.
        check_llama_cpp("llama.cpp")
        folder = trained.scratch / "own-gguf"
        tokenizer = transformers.AutoTokenizer.from_pretrained(trained.model_path, local_files_only=True)
        self._mergeable(trained).save_pretrained_gguf(str(folder), tokenizer, quantization_method="f16")
        return next(trained.scratch.rglob("*.gguf"))

    def export(self, trained: Trained, folder: Path) -> None:
        tokenizer = transformers.AutoTokenizer.from_pretrained(trained.model_path, local_files_only=True)
        self._mergeable(trained).save_pretrained_merged(str(folder), tokenizer, save_method="merged_16bit")

    def _mergeable(self, trained: Trained) -> Any:
        """Return the live model, or one that can be merged where it cannot."""
        if not self.workarounds(trained.method):
            return trained.live.model
        adapter = trained.scratch / "adapter"
        trained.live.model.save_pretrained(adapter)
        model, _ = unsloth.FastLanguageModel.from_pretrained(
            model_name=str(adapter),
            max_seq_length=trained.options["model"]["max_seq_length"],
            dtype=getattr(torch, trained.options["model"]["dtype"]),
            load_in_4bit=False,
            local_files_only=True,
        )
        return model


EXPORTER = UnslothExporter()
