"""What plain transformers can do, each tried in a short job. Runs inside its environment."""

from __future__ import annotations

import peft
import transformers

from ..base import deep_merge
from ..instruments.probing.changes import YARN, ZERO2, dora_adapter, gptq_model
from ..instruments.probing.checkpoints import exports, resumes
from ..instruments.probing.context import (
    Listed,
    Options,
    Probe,
    ProbeContext,
    absent,
    fields_of,
    lacks,
    trains,
    without,
)
from ..instruments.probing.hf_probes import (
    FSDP,
    SAVE_EACH_STEP,
    causal_models,
    in_training_arguments,
    resume_by_argument,
    save_pretrained,
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
from ..instruments.probing.survey import explained_fields, survey


def options() -> dict[str, list[str]]:
    """Return the names of the options of its trainer and of peft's LoRA."""
    return {
        "TrainingArguments": fields_of(transformers.TrainingArguments),
        "peft.LoraConfig": fields_of(peft.LoraConfig),
    }


def with_dora(context: ProbeContext, options: Options) -> Options:
    return deep_merge(options, {"adapter": {"model_id": str(dora_adapter(context))}})


def in_8_bits(context: ProbeContext, options: Options) -> Options:
    return {**options, "quantization": {"load_in_8bit": True}}


def on_gptq(context: ProbeContext, options: Options) -> Options:
    return deep_merge(options, {"model": {"pretrained_model_name_or_path": str(gptq_model(context))}})


def architectures(context: ProbeContext) -> str:
    raise Listed(f"{causal_models()} architectures in its list of causal language models")


def load_export(context: ProbeContext) -> str:
    """Check that an export of another framework loads here and gives the same logits."""
    import torch
    from safetensors.torch import load_file

    from ..instruments.exporting.evaluation import difference, logits_of
    from ..instruments.exporting.load_task import loaded

    exported = context.folder.parent
    seen = load_file(exported / "logits.safetensors")
    model = loaded(str(exported / "exported"))
    with torch.no_grad():
        logits = logits_of(model.eval(), seen["tokens"])
    apart = difference(logits, seen["logits"])
    if apart > 1e-4:
        raise ValueError(f"its logits differ by {apart:.1e} of the largest")
    return f"transformers loads it and gives the same logits (within {apart:.1e} of the largest)"


def surveyed(context: ProbeContext) -> dict[str, float]:
    return survey("transformers", explained_fields(transformers.TrainingArguments))


PROBES: dict[str, Probe] = {
    "full": trains("full"),
    "lora": trains("lora"),
    "qlora": trains("qlora"),
    "dora": trains("lora", with_dora, dora_layers),
    "lora_8bit": trains("lora", in_8_bits, eight_bit_layers),
    "fp8": trains("lora", {"model": {"quantization_config": {"quant_method": "fp8"}}}, fp8_layers),
    "gptq": trains("lora", on_gptq),
    "relora": absent("relora", options),
    "packing": absent("pack", options),
    "rope_scaling": trains("lora", {"model": {"rope_parameters": YARN}}, scaled_rope),
    "gradient_checkpointing": trains("gradient_checkpointing", inspection=computed_again),
    "compile": trains("compile", inspection=compiled_graphs),
    "chunked_cross_entropy": trains("lora", in_training_arguments({"use_liger_kernel": True}), loss_in_chunks),
    "dpo": without("trl", "preference training"),
    "rlhf": without("trl", "training with rewards"),
    "ppo": without("trl", "training with rewards"),
    "resume": resumes("lora", in_training_arguments(SAVE_EACH_STEP), resume_by_argument),
    "export": exports("full", save_pretrained),
    "load_export": load_export,
    "data_parallel": in_two_processes("lora"),
    "fsdp": in_two_processes("full", in_training_arguments(FSDP)),
    "deepspeed": trains("full", in_training_arguments({"deepspeed": ZERO2})),
    "ring_attention": absent("context_parallel", options),
    "xformers": absent("xformers", options),
    "web_ui": absent("webui", options),
    "command_line": lacks("it has no command that trains: its user writes the script around Trainer"),
    "architectures": architectures,
    "survey": surveyed,
}
