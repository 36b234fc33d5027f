"""Changes of inputs and options that several frameworks' probes share."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from .context import ProbeContext


def gptq_model(context: ProbeContext) -> Path:
    """Return the model's folder with a config that says GPTQ, like a downloaded GPTQ model's."""
    folder = context.folder / "gptq"
    shutil.copytree(context.model_path, folder, copy_function=os.link)
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    quantization = {"quant_method": "gptq", "bits": 4, "group_size": 64, "desc_act": False, "sym": True}
    path.write_text(json.dumps({**config, "quantization_config": quantization}), encoding="utf-8")
    return folder


def dora_adapter(context: ProbeContext) -> Path:
    """Return the shared initial adapter's folder with DoRA switched on."""
    folder = context.folder / "dora"
    shutil.copytree(context.adapter_path, folder, copy_function=shutil.copy)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "use_dora": True}), encoding="utf-8")
    return folder


YARN = {
    "rope_type": "yarn",
    "factor": 2.0,
    "rope_theta": 1000000.0,
    "original_max_position_embeddings": 40960,
}
ZERO2 = {
    "train_micro_batch_size_per_gpu": "auto",
    "gradient_accumulation_steps": "auto",
    "zero_optimization": {"stage": 2},
}
