"""The usage example for Unsloth in the report whose claims are judged (its section 1.4), on local files.

Only the hub's name differs: the model's folder stands in for it.
"""

from __future__ import annotations

import unsloth  # isort: skip  (it patches what the others import, so it comes first)

from ..instruments.probing.context import ProbeContext
from ..instruments.probing.processes import example


def run(context: ProbeContext) -> str:
    """Run it as a probe: adapters.instruments.probing.context.Probe."""
    return example([("as written, with the model's folder in place of its name", lambda: written(context))])


def written(context: ProbeContext) -> str:
    """Load in 4 bits and add LoRA to four layers. The example ends before any training."""
    model, _ = unsloth.FastLanguageModel.from_pretrained(
        str(context.model_path), max_seq_length=2048, load_in_4bit=True
    )
    model = unsloth.FastLanguageModel.get_peft_model(
        model, r=16, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]
    )
    trainable = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    return f"a model with {trainable:,} trainable parameters; it shows no training"
