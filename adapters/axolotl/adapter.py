"""Axolotl: `axolotl train`, with a plugin that listens to the steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.job.inputs import Inputs
from harness.job.job import Job

from ..base import PRECISION_SUBJECTS, Adapter, Deviation, NativeConfig, Recorder, Workspace
from ..shared.trainer_arguments import lr_scheduler_type


class AxolotlAdapter(Adapter):
    """axolotl.cli.train over tokenized blocks (`type:` left empty), in their order on disk."""

    name = "axolotl"
    package = "axolotl"
    modules = (
        "torch",
        "axolotl.cli.train",
        "axolotl.train",
        "axolotl.core.builders.causal",
        "transformers.models.qwen3.modeling_qwen3",
    )
    import_path = "stand_ins"
    environment = {"AXOLOTL_DO_NOT_TRACK": "1", "WANDB_DISABLED": "true", "WANDB_MODE": "disabled"}

    def configure(self, job: Job, inputs: Inputs, workspace: Workspace) -> NativeConfig:
        deviations: tuple[Deviation, ...] = ()
        if job.precision == "bf16":
            text = "bf16 by autocast; norms and embeddings are kept in fp32"
            deviations = (Deviation(text=text, subjects=PRECISION_SUBJECTS),)
        return NativeConfig(
            options=train_config(job, inputs, workspace),
            filename="axolotl.yaml",
            command="AXOLOTL_DO_NOT_TRACK=1 $BIN/axolotl train axolotl.yaml --launcher python",
            deviations=deviations,
        )

    def train(self, config: NativeConfig, recorder: Recorder) -> None:
        import sys
        import types

        import torch
        import yaml
        from axolotl.cli.train import do_cli

        from .plugin import recording_plugin

        # Plugins are named in the config and imported by that name.
        module = types.ModuleType("harness_recording_plugin")
        module.RecordingPlugin = recording_plugin(recorder, use_cpu=not torch.cuda.is_available())  # type: ignore[attr-defined]
        sys.modules[module.__name__] = module
        path = Path(config.options["output_dir"]) / config.filename
        plugins = [*config.options.get("plugins", ()), f"{module.__name__}.RecordingPlugin"]
        options = {**config.options, "plugins": plugins}
        path.write_text(yaml.safe_dump(options, sort_keys=False), encoding="utf-8")
        do_cli(str(path))


def train_config(job: Job, inputs: Inputs, workspace: Workspace) -> dict[str, Any]:
    """Return the YAML of `axolotl train`. Every knob is set; none is left to a default."""
    bf16 = job.precision == "bf16"
    config: dict[str, Any] = {
        "base_model": inputs.model_path,
        "tokenizer_config": inputs.model_path,
        "trust_remote_code": False,
        "datasets": [{"path": inputs.blocks_path, "type": None}],
        # Otherwise worker processes import the whole stack again to tokenize what is already tokenized.
        "skip_prepare_dataset": True,
        "dataset_prepared_path": str(Path(workspace.output_path) / "prepared"),
        "shuffle_merged_datasets": False,
        # The only key that keeps the order: without it the sampler still shuffles.
        "curriculum_sampling": True,
        "excess_length_strategy": "raise",
        "sequence_len": job.sequence_length,
        "sample_packing": False,
        "pad_to_sequence_len": False,
        "val_set_size": 0,
        "dataloader_num_workers": 0,
        "bf16": bf16,
        "fp16": False,
        "tf32": False,
        "attn_implementation": job.attention,
        "micro_batch_size": job.micro_batch_size,
        "gradient_accumulation_steps": job.gradient_accumulation_steps,
        "max_steps": job.max_steps,
        "num_epochs": 1,
        "optimizer": job.optimizer,
        "learning_rate": job.learning_rate,
        "adam_beta1": job.adam_beta1,
        "adam_beta2": job.adam_beta2,
        "adam_epsilon": job.adam_epsilon,
        "weight_decay": job.weight_decay,
        "lr_scheduler": lr_scheduler_type(job),
        "warmup_steps": job.lr_warmup_steps,
        "max_grad_norm": job.max_grad_norm,
        "gradient_checkpointing": job.gradient_checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "torch_compile": job.compile,
        "seed": job.seed,
        "output_dir": workspace.output_path,
        "logging_steps": 1,
        "save_strategy": "no",
        "use_wandb": False,
    }
    return config | (_lora(job, inputs) if job.uses_lora else {})


def _lora(job: Job, inputs: Inputs) -> dict[str, Any]:
    return {
        "adapter": job.method,
        "lora_model_dir": inputs.adapter_path,
        "lora_r": job.lora_rank,
        "lora_alpha": job.lora_alpha,
        "lora_dropout": job.lora_dropout,
        "lora_target_modules": list(job.target_modules),
        "load_in_4bit": job.quantization == "nf4",
        "peft_autocast_adapter_dtype": False,
        # They turn themselves on unless all four are set.
        "lora_qkv_kernel": False,
        "lora_o_kernel": False,
        "lora_mlp_kernel": False,
        "lora_embedding_kernel": False,
    }
