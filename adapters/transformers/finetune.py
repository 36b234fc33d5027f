"""Fine-tune with plain transformers.Trainer and peft: `python finetune.py train.json` (the baseline of every ratio)."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import peft
import torch
import transformers


def finetune(options: dict[str, Any], callbacks: Sequence[transformers.TrainerCallback] = ()) -> None:
    """Train as `options` says: sections model, quantization, adapter, dataset and training_arguments."""
    arguments = transformers.TrainingArguments(**options["training_arguments"])
    transformers.set_seed(arguments.seed)
    model_options = dict(options["model"])
    model_options["dtype"] = getattr(torch, model_options["dtype"])
    if options["quantization"] is not None:
        quantization = dict(options["quantization"])
        for key in {"bnb_4bit_compute_dtype", "bnb_4bit_quant_storage"} & set(quantization):
            quantization[key] = getattr(torch, quantization[key])
        model_options["quantization_config"] = transformers.BitsAndBytesConfig(**quantization)
    model = transformers.AutoModelForCausalLM.from_pretrained(**model_options)
    if options["adapter"] is not None:
        model = peft.PeftModel.from_pretrained(model, is_trainable=True, **options["adapter"])
    trainer = transformers.Trainer(
        model=model,
        args=arguments,
        train_dataset=datasets.load_from_disk(options["dataset"]),
        data_collator=transformers.default_data_collator,
        callbacks=list(callbacks),
    )
    trainer.train(resume_from_checkpoint=arguments.resume_from_checkpoint)


if __name__ == "__main__":
    finetune(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
