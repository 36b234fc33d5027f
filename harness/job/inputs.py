"""The inputs that every framework shares: where they are and what they are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

INSTEAD = " (not "
"""Begins the words about a stand-in: what was asked for, and why it could not be had."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """Folders made by `prepare`, with the words that every report shows about them."""

    model_path: str
    """A transformers folder: config.json, safetensors, tokenizer.json."""
    weight_files: tuple[str, ...]
    """Names of the safetensors files in `model_path`."""
    model_dtype: str
    """dtype of the weights by the checkpoint's config.json: "float32", "bfloat16"."""
    blocks_path: str
    """A folder that `datasets.load_from_disk` reads: input_ids, attention_mask, labels of equal length."""
    adapter_path: str | None
    """A peft folder with the initial LoRA weights; None for full fine-tuning."""
    model_source: str
    tokenizer_source: str
    dataset_source: str
    dataset_is_stand_in: bool
    model_sha256: str
    blocks_sha256: str
    adapter_sha256: str | None

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """Return what stands in for something that was asked for, in words; empty if nothing does."""
        random = self.model_source.startswith("random weights") and INSTEAD in self.model_source
        stand_in = {self.model_source: random, self.dataset_source: self.dataset_is_stand_in}
        return tuple(source for source, is_stand_in in stand_in.items() if is_stand_in)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)
