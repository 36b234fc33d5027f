"""What Unsloth can do, each tried in a short job. Runs inside its environment."""

from __future__ import annotations

import inspect
from typing import Any

import unsloth  # isort: skip  (it patches what the others import, so it comes first)
import trl
from unsloth import FastLanguageModel
from unsloth.trainer import UnslothTrainer, UnslothTrainingArguments

from ..base import Unsupported, deep_merge
from ..instruments.probing.changes import YARN, ZERO2, gptq_model
from ..instruments.probing.checkpoints import exports, resumes
from ..instruments.probing.context import (
    Listed,
    Options,
    Probe,
    ProbeContext,
    Watching,
    absent,
    fields_of,
    lacks,
    trains,
)
from ..instruments.probing.hf_probes import (
    FSDP,
    SAVE_EACH_STEP,
    causal_models,
    in_training_arguments,
    resume_by_argument,
    save_pretrained,
    texts,
)
from ..instruments.probing.inspections import (
    compiled_graphs,
    computed_again,
    dora_layers,
    eight_bit_layers,
    fp8_layers,
    loss_in_chunks,
    scaled_rope,
)
from ..instruments.probing.processes import in_two_processes
from ..instruments.probing.survey import explained_fields, explained_parameters, survey
from ..shared.hf import StepCallback
from . import example


def options() -> dict[str, list[str]]:
    """Return the names of the options of its loader, its LoRA and its trainer."""
    return {
        "FastLanguageModel.from_pretrained": list(inspect.signature(FastLanguageModel.from_pretrained).parameters),
        "FastLanguageModel.get_peft_model": list(inspect.signature(FastLanguageModel.get_peft_model).parameters),
        "UnslothTrainingArguments": fields_of(UnslothTrainingArguments),
    }


def in_8_bits(context: ProbeContext, options: Options) -> Options:
    return deep_merge(options, {"model": {"load_in_4bit": False, "load_in_8bit": True}})


def on_gptq(context: ProbeContext, options: Options) -> Options:
    return deep_merge(options, {"model": {"model_name": str(gptq_model(context))}})


def dora(context: ProbeContext) -> str:
    watching = Watching(dora_layers)
    options = deep_merge(context.options("lora"), {"lora": {"use_dora": True}})
    model, tokenizer = loaded(options)
    trainer = UnslothTrainer(
        model=FastLanguageModel.get_peft_model(model, **options["lora"]),
        processing_class=tokenizer,
        args=UnslothTrainingArguments(**options["training_arguments"]),
        train_dataset=blocks(options),
        callbacks=[StepCallback(watching)],
    )
    trainer.train()
    return watching.evidence()


def packing(context: ProbeContext) -> str:
    import datasets

    watching = Watching()
    # Longer than a document, or there is no room to pack another.
    options = deep_merge(context.options("lora"), {"model": {"max_seq_length": 512}})
    model, tokenizer = loaded(options)
    documents = texts(context)
    advised = {
        "packing": True,
        "max_length": 512,
        "dataset_text_field": "text",
        "dataset_kwargs": None,
        "remove_unused_columns": True,
    }
    trainer = UnslothTrainer(
        model=FastLanguageModel.get_peft_model(model, **options["lora"]),
        processing_class=tokenizer,
        args=UnslothTrainingArguments(**{**options["training_arguments"], **advised}),
        train_dataset=datasets.Dataset.from_list([{"text": text} for text in documents]),
        callbacks=[StepCallback(watching)],
    )
    packed = len(trainer.train_dataset)
    trainer.train()
    if packed >= len(documents):
        raise ValueError(f"{len(documents)} documents stayed {packed} samples")
    return f"{len(documents)} documents became {packed} samples; {watching.evidence()}"


def dpo(context: ProbeContext) -> str:
    import datasets

    if hasattr(unsloth, "PatchDPOTrainer"):  # Its CPU backend has none.
        unsloth.PatchDPOTrainer()
    watching = Watching()
    options = context.options("lora")
    model, tokenizer = loaded(options)
    names = ("output_dir", "use_cpu", "per_device_train_batch_size", "max_steps", "optim", "learning_rate", "seed")
    arguments = {name: options["training_arguments"][name] for name in names}
    trainer = trl.DPOTrainer(
        model=FastLanguageModel.get_peft_model(model, **options["lora"]),
        processing_class=tokenizer,
        args=trl.DPOConfig(**arguments, logging_steps=1, save_strategy="no", report_to="none", bf16=False),
        train_dataset=datasets.Dataset.from_json(str(context.preferences_path)),
        callbacks=[StepCallback(watching)],
    )
    trainer.train()
    return f"trl's DPOTrainer over Unsloth's model; {watching.evidence()}"


def rlhf(context: ProbeContext) -> str:
    names = sorted(name for name in dir(trl) if name.endswith("Trainer"))
    raise Listed(f"trainers of trl, which it patches: {', '.join(names)}")


def ppo(context: ProbeContext) -> str:
    names = [name for name in dir(trl) if name.startswith("PPO")]
    if not names:
        raise Unsupported("no trainer for PPO in trl, whose trainers it patches")
    raise Listed(f"in trl, whose trainers it patches: {', '.join(names)}")


def architectures(context: ProbeContext) -> str:
    from unsloth.models.mapper import FLOAT_TO_INT_MAPPER

    raise Listed(
        f"{len(FLOAT_TO_INT_MAPPER)} models in its own list; loads transformers' causal language models, "
        f"{causal_models()} architectures"
    )


def nvidia_only(context: ProbeContext) -> str:
    raise Listed(f"its device type here is {unsloth.DEVICE_TYPE!r}, so there is more than one")


def loaded(options: Options) -> tuple[Any, Any]:
    """Return model and tokenizer from its loader."""
    import torch

    return FastLanguageModel.from_pretrained(**{**options["model"], "dtype": getattr(torch, options["model"]["dtype"])})


def blocks(options: Options) -> Any:
    """Return the prepared blocks."""
    import datasets

    return datasets.load_from_disk(options["dataset"])


def surveyed(context: ProbeContext) -> dict[str, float]:
    settings = [
        *explained_parameters(FastLanguageModel.from_pretrained),
        *explained_parameters(FastLanguageModel.get_peft_model),
        *explained_fields(UnslothTrainingArguments),
    ]
    return survey("unsloth", settings)


PROBES: dict[str, Probe] = {
    "full": trains("full"),
    "lora": trains("lora"),
    "qlora": trains("qlora"),
    "dora": dora,
    "lora_8bit": trains("lora", in_8_bits, eight_bit_layers),
    "fp8": trains("lora", {"model": {"load_in_fp8": True}}, fp8_layers),
    "gptq": trains("lora", on_gptq),
    "relora": absent("relora", options),
    "packing": packing,
    "rope_scaling": trains("lora", {"model": {"rope_scaling": YARN}}, scaled_rope),
    "gradient_checkpointing": trains("gradient_checkpointing", inspection=computed_again),
    "compile": trains("compile", inspection=compiled_graphs),
    "chunked_cross_entropy": trains("lora", inspection=loss_in_chunks),
    "dpo": dpo,
    "rlhf": rlhf,
    "ppo": ppo,
    "resume": resumes("lora", in_training_arguments(SAVE_EACH_STEP), resume_by_argument),
    "export": exports("full", save_pretrained),
    "data_parallel": in_two_processes("lora"),
    "fsdp": in_two_processes("full", in_training_arguments(FSDP)),
    "deepspeed": trains("full", in_training_arguments({"deepspeed": ZERO2})),
    "ring_attention": absent("context_parallel", options),
    "xformers": absent("xformers", options),
    "web_ui": absent("webui", options),
    "command_line": lacks("its user writes the script around FastLanguageModel and its trainer"),
    "architectures": architectures,
    "survey": surveyed,
    "nvidia_only": nvidia_only,
    "example_unsloth": example.run,
}
