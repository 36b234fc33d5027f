"""Probes that the frameworks over transformers share. Runs inside their environments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...base import LiveJob, deep_merge
from .context import Options, ProbeContext

SAVE_EACH_STEP = {"save_strategy": "steps", "save_steps": 1, "max_steps": 3}
FSDP = {"fsdp": "full_shard auto_wrap", "fsdp_config": {"transformer_layer_cls_to_wrap": ["Qwen3DecoderLayer"]}}


def causal_models() -> int:
    """Return how many architectures transformers can load as a causal language model."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return len(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def save_pretrained(context: ProbeContext, live: LiveJob, folder: Path) -> Path:
    """Save by the model's method."""
    live.model.save_pretrained(folder)
    return folder


def saved_by_itself(context: ProbeContext, live: LiveJob, folder: Path) -> Path:
    """Do nothing: the framework saves at the end of training, into its output folder."""
    return Path(context.configs["full"].options["output_dir"])


def texts(context: ProbeContext) -> list[str]:
    """Return the short documents."""
    return [json.loads(line)["text"] for line in context.text_path.read_text(encoding="utf-8").splitlines()]


def in_training_arguments(change: dict[str, Any]) -> Options:
    """Return a change of the section with the Trainer's arguments."""
    return {"training_arguments": change}


def resume_by_argument(options: Options, checkpoint: Path) -> Options:
    """Resume by the Trainer's argument."""
    return deep_merge(options, in_training_arguments({"resume_from_checkpoint": str(checkpoint)}))
