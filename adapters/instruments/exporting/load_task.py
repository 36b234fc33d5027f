"""Load an export in plain transformers, and compare its logits with those of the trained model. In a cell's process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import load_file

from ...base import Adapter, Recorder
from .evaluation import difference, evaluate


def run(adapter: Adapter, recorder: Recorder, task: Mapping[str, Any]) -> None:
    """Record the loss of an export, how far its logits are from the trained model's, and what its config ties."""
    held_out = (Path(task["tokens_path"]), int(task["compared_tokens"]))
    before = load_file(task["logits_path"])
    if task["base_path"] is not None:
        # The checkpoint without quantization, against the same in the framework's 4 bits.
        base = evaluate(loaded(task["base_path"]), *held_out)
        recorder.fact("quantization_moved_logits", difference(before["untrained"], base.logits))
    model = loaded(task["export_path"])
    found = evaluate(model, *held_out)
    recorder.fact("exported_loss", found.loss)
    recorder.fact("logits_apart", difference(found.logits, before["trained"]))
    recorder.fact("ties_embeddings", is_tied(model))
    np.save(task["exported_logits_path"], found.logits.numpy())


def loaded(folder: str) -> Any:
    """Return a folder's model in fp32, by plain transformers."""
    return transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
    )


def is_tied(model: Any) -> bool:
    """True if the model that was loaded uses one tensor as embedding and as head."""
    head, embedding = model.get_output_embeddings().weight, model.get_input_embeddings().weight
    return bool(head.data_ptr() == embedding.data_ptr())
