"""What Axolotl can do, each tried in a short job. Runs inside its environment."""

from __future__ import annotations

from pathlib import Path

from axolotl.utils.schemas.config import AxolotlInputConfig
from axolotl.utils.schemas.enums import RLType

from ..base import Unsupported
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
    train,
    trains,
)
from ..instruments.probing.hf_probes import SAVE_EACH_STEP, causal_models, saved_by_itself
from ..instruments.probing.inspections import (
    compiled_graphs,
    computed_again,
    dora_layers,
    eight_bit_layers,
    fp8_layers,
    loss_in_chunks,
    scaled_rope,
)
from ..instruments.probing.processes import in_two_processes, own_command
from ..instruments.probing.survey import explained_fields, survey
from . import example

FSDP = {
    "fsdp_version": 2,
    "fsdp_config": {"auto_wrap_policy": "TRANSFORMER_BASED_WRAP", "transformer_layer_cls_to_wrap": "Qwen3DecoderLayer"},
}
PREFERENCES = {
    "field_prompt": "prompt",
    "field_chosen": "chosen",
    "field_rejected": "rejected",
    "prompt_format": "{prompt}",
    "chosen_format": "{chosen}",
    "rejected_format": "{rejected}",
}


def options() -> dict[str, list[str]]:
    """Return the keys of its config file."""
    return {"its config's schema": fields_of(AxolotlInputConfig)}


def fresh_lora(options: Options) -> Options:
    """Drop the shared initial adapter, which is neither a DoRA nor an 8-bit one."""
    return {key: value for key, value in options.items() if key != "lora_model_dir"}


def with_dora(context: ProbeContext, options: Options) -> Options:
    return {**fresh_lora(options), "peft_use_dora": True}


def in_8_bits(context: ProbeContext, options: Options) -> Options:
    return {**fresh_lora(options), "load_in_8bit": True}


def on_gptq(context: ProbeContext, options: Options) -> Options:
    return {**options, "base_model": str(gptq_model(context)), "gptq": True}


def with_relora(context: ProbeContext, options: Options) -> Options:
    restarts = {"relora": True, "jagged_restart_steps": 2, "jagged_restart_warmup_steps": 1, "max_steps": 4}
    return {**fresh_lora(options), **restarts, "lr_scheduler": "cosine", "warmup_steps": 1}


def packing(context: ProbeContext) -> str:
    documents = len(context.text_path.read_text(encoding="utf-8").splitlines())
    source = {"path": str(context.text_path), "ds_type": "json", "type": "completion", "field": "text"}
    changed = {
        **context.options("lora"),
        "datasets": [source],
        "skip_prepare_dataset": False,
        "curriculum_sampling": False,
        "sample_packing": True,
        "pad_to_sequence_len": True,
        "sequence_len": 512,
        "excess_length_strategy": "drop",
        "micro_batch_size": 1,
        "dataset_num_proc": 1,
    }
    watching = train(context, "lora", changed, Watching())
    return f"{documents} documents packed into samples of 512 tokens; {watching.evidence()}"


def dpo(context: ProbeContext) -> str:
    source = {"path": str(context.preferences_path), "ds_type": "json", "split": "train", "type": PREFERENCES}
    changed = {
        **context.options("lora"),
        "rl": "dpo",
        "datasets": [source],
        "skip_prepare_dataset": False,
        "curriculum_sampling": False,
        "dataset_num_proc": 1,
    }
    return train(context, "lora", changed, Watching()).evidence()


def rlhf(context: ProbeContext) -> str:
    raise Listed(f"values of `rl`: {', '.join(kind.value for kind in RLType)}")


def ppo(context: ProbeContext) -> str:
    raise Unsupported(f"`rl` may be {', '.join(kind.value for kind in RLType)}")


def resume(options: Options, checkpoint: Path) -> Options:
    return {**options, "resume_from_checkpoint": str(checkpoint)}


def architectures(context: ProbeContext) -> str:
    raise Listed(f"loads transformers' causal language models, {causal_models()} architectures")


def surveyed(context: ProbeContext) -> dict[str, float]:
    return survey("axolotl", explained_fields(AxolotlInputConfig))


PROBES: dict[str, Probe] = {
    "full": trains("full"),
    "lora": trains("lora"),
    "qlora": trains("qlora"),
    "dora": trains("lora", with_dora, dora_layers),
    "lora_8bit": trains("lora", in_8_bits, eight_bit_layers),
    "fp8": trains("full", {"fp8": True}, fp8_layers),
    "gptq": trains("lora", on_gptq),
    "relora": trains("lora", with_relora),
    "packing": packing,
    "rope_scaling": trains("lora", {"overrides_of_model_config": {"rope_parameters": YARN}}, scaled_rope),
    "gradient_checkpointing": trains("gradient_checkpointing", inspection=computed_again),
    "compile": trains("compile", inspection=compiled_graphs),
    "chunked_cross_entropy": trains("lora", {"chunked_cross_entropy": True}, loss_in_chunks),
    "dpo": dpo,
    "rlhf": rlhf,
    "ppo": ppo,
    "resume": resumes("lora", SAVE_EACH_STEP, resume),
    "export": exports("full", saved_by_itself),
    "data_parallel": in_two_processes("lora"),
    "fsdp": in_two_processes("full", FSDP),
    "deepspeed": trains("full", {"deepspeed": ZERO2}),
    "ring_attention": absent("ring_attn", options),
    "xformers": absent("xformers", options),
    "web_ui": absent("webui", options),
    "command_line": lambda context: own_command(context, "lora"),
    "architectures": architectures,
    "survey": surveyed,
    "example_axolotl": example.run,
}
