"""LLaMA-Factory: run_exp, as `llamafactory-cli train` calls it."""

from __future__ import annotations

from typing import Any

from harness.job.inputs import Inputs
from harness.job.job import Job

from ..base import (
    PRECISION_SUBJECTS,
    Adapter,
    Deviation,
    NativeConfig,
    Recorder,
    Unsupported,
    Workspace,
)
from ..shared.trainer_arguments import trainer_arguments

FLASH_ATTN = {"sdpa": "sdpa", "eager": "disabled", "flash_attention_2": "fa2"}


class LlamaFactoryAdapter(Adapter):
    """`stage: sft` over tokenized blocks with `template: empty`, which keeps the labels as they are."""

    name = "llamafactory"
    package = "llamafactory"
    modules = ("torch", "bitsandbytes", "llamafactory.train.tuner", "transformers.models.qwen3.modeling_qwen3")
    import_path = "stand_ins"
    environment = {"LLAMAFACTORY_VERBOSITY": "WARNING", "USE_MODELSCOPE_HUB": "0", "USE_OPENMIND_HUB": "0"}

    def configure(self, job: Job, inputs: Inputs, workspace: Workspace) -> NativeConfig:
        bf16 = job.precision == "bf16"
        if not bf16 and job.uses_lora and inputs.model_dtype != "float32":
            # patch_config of 0.9.5 takes the checkpoint's dtype for frozen weights when bf16 is off.
            raise Unsupported(f"it keeps frozen weights in the checkpoint's {inputs.model_dtype}; the job says fp32")
        text = ""
        if bf16 and workspace.device == "cpu":
            text = "bf16 by autocast, trained weights in fp32: it refuses pure_bf16 on a CPU"
        elif bf16 and job.uses_lora:
            text = "bf16 by autocast; LoRA weights are kept in fp32 over a bf16 model"
        deviations = (Deviation(text=text, subjects=PRECISION_SUBJECTS),) if text else ()
        return NativeConfig(
            options=train_config(job, inputs, workspace),
            filename="llamafactory.yaml",
            command="PYTHONPATH=$SOURCE/adapters/llamafactory/stand_ins $BIN/llamafactory-cli train llamafactory.yaml",
            deviations=deviations,
        )

    def train(self, config: NativeConfig, recorder: Recorder) -> None:
        from llamafactory.train.tuner import run_exp

        from ..shared.hf import StepCallback

        run_exp(dict(config.options), callbacks=[StepCallback(recorder)])


def train_config(job: Job, inputs: Inputs, workspace: Workspace) -> dict[str, Any]:
    """Return the YAML of `llamafactory-cli train`. Every knob is set; none is left to a default."""
    bf16 = job.precision == "bf16"
    # Without autocast LoRA's products would be computed in fp32, as peft keeps its weights.
    pure_bf16 = bf16 and workspace.device == "cuda" and not job.uses_lora
    config: dict[str, Any] = {
        **trainer_arguments(job, workspace),
        "stage": "sft",
        "do_train": True,
        "model_name_or_path": inputs.model_path,
        "trust_remote_code": False,
        "flash_attn": FLASH_ATTN[job.attention],
        "enable_liger_kernel": False,
        "use_unsloth": False,
        # The parser demands a name although the blocks are tokenized.
        "dataset": "unused",
        "tokenized_path": inputs.blocks_path,
        "template": "empty",
        "cutoff_len": job.sequence_length,
        "packing": False,
        "disable_shuffling": True,
        "finetuning_type": "lora" if job.uses_lora else "full",
        "pure_bf16": pure_bf16,
        "bf16": bf16 and not pure_bf16,
        # On by default.
        "disable_gradient_checkpointing": not job.gradient_checkpointing,
        "use_reentrant_gc": False,
        "torch_compile": job.compile,
        "overwrite_output_dir": True,
        "plot_loss": False,
    }
    if job.uses_lora:
        config |= {
            # Rank, alpha, dropout and layers are in the shared adapter; repeated here for readers of this file.
            "adapter_name_or_path": inputs.adapter_path,
            "lora_rank": job.lora_rank,
            "lora_alpha": job.lora_alpha,
            "lora_dropout": job.lora_dropout,
            "lora_target": ",".join(job.target_modules),
        }
    if job.quantization == "nf4":
        config |= {
            "quantization_bit": 4,
            "quantization_method": "bnb",
            "quantization_type": "nf4",
            "double_quantization": True,
        }
    return config
