"""Fine-tune with Unsloth's FastLanguageModel and UnslothTrainer: `python finetune.py train.json`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import unsloth  # isort: skip  (it patches what the others import, so it comes first)
import datasets
import torch
import transformers
from peft import set_peft_model_state_dict
from safetensors.torch import load_file
from torch.utils.data import SequentialSampler
from unsloth import FastLanguageModel
from unsloth.trainer import UnslothTrainer, UnslothTrainingArguments


class InOrder(UnslothTrainer):
    """UnslothTrainer over the blocks in their order on disk."""

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(self.train_dataset if train_dataset is None else train_dataset)


def finetune(options: dict[str, Any], callbacks: Sequence[transformers.TrainerCallback] = ()) -> None:
    """Train as `options` says: model, compile_blocks, lora, initial_adapter, dataset and training_arguments."""
    os.environ["UNSLOTH_BLOCK_COMPILE"] = "1" if options["compile_blocks"] else "0"
    arguments = UnslothTrainingArguments(**options["training_arguments"])
    transformers.set_seed(arguments.seed)
    model_options = dict(options["model"])
    model_options["dtype"] = getattr(torch, model_options["dtype"])
    model, tokenizer = FastLanguageModel.from_pretrained(**model_options)
    if options["lora"] is not None:
        model = FastLanguageModel.get_peft_model(model, **options["lora"])
    trainer = InOrder(
        model=model,
        processing_class=tokenizer,
        args=arguments,
        train_dataset=datasets.load_from_disk(options["dataset"]),
        data_collator=transformers.default_data_collator,
        callbacks=list(callbacks),
    )
    if options["lora"] is not None:
        start_from(trainer.model, options)
    trainer.train(resume_from_checkpoint=arguments.resume_from_checkpoint)


def start_from(model: Any, options: dict[str, Any]) -> None:
    """Replace the model's LoRA weights by the shared initial ones."""
    if options["lora_dtype"] is not None:
        # Over 4-bit weights the trainer casts LoRA to bf16, whatever dtype was asked for (trl 1.15).
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.to(getattr(torch, options["lora_dtype"]))
    weights = load_file(Path(options["initial_adapter"]) / "adapter_model.safetensors")
    loaded = set_peft_model_state_dict(model, weights)
    if loaded.unexpected_keys:
        raise ValueError(f"initial adapter does not fit: {loaded.unexpected_keys[:3]}")


if __name__ == "__main__":
    finetune(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
