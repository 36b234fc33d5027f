"""Export what plain transformers and peft trained."""

from __future__ import annotations

from pathlib import Path

import peft
import torch
import transformers

from harness.job.job import DTYPES

from ..instruments.exporting.exporter import Exporter, Trained


class TransformersExporter(Exporter):
    """peft's merge_and_unload, then save_pretrained."""

    by = "save_pretrained; after LoRA, merge_and_unload first"

    def workarounds(self, method: str) -> tuple[str, ...]:
        if method != "qlora":
            return ()
        # peft 0.19 merges into 4-bit weights too, but rounds the merged weights to 4 bits again.
        return (
            "the base is loaded again without quantization: merged into 4-bit weights, the adapter is rounded away",
        )

    def export(self, trained: Trained, folder: Path) -> None:
        model = trained.live.model
        if trained.method == "qlora":
            model.save_pretrained(trained.scratch / "adapter")
            base = transformers.AutoModelForCausalLM.from_pretrained(
                trained.model_path,
                dtype=getattr(torch, DTYPES[trained.precision]),
                local_files_only=True,
                use_safetensors=True,
            )
            model = peft.PeftModel.from_pretrained(base, trained.scratch / "adapter")
        if trained.uses_lora:
            model = model.merge_and_unload()
        model.save_pretrained(folder)
        transformers.AutoTokenizer.from_pretrained(trained.model_path, local_files_only=True).save_pretrained(folder)


EXPORTER = TransformersExporter()
