"""Plain transformers.Trainer with peft: the baseline that the frameworks are compared with."""

from __future__ import annotations

from typing import Any

from harness.job.inputs import Inputs
from harness.job.job import DTYPES, Job

from ..base import Adapter, NativeConfig, Recorder, Workspace
from ..shared.trainer_arguments import trainer_arguments


class TransformersAdapter(Adapter):
    """transformers.Trainer as its documentation uses it, without any option that the job does not ask for."""

    name = "transformers"
    package = "transformers"
    modules = ("torch", "datasets", "peft", "bitsandbytes", "transformers.models.qwen3.modeling_qwen3")

    def configure(self, job: Job, inputs: Inputs, workspace: Workspace) -> NativeConfig:
        return NativeConfig(
            options={
                "model": {
                    "pretrained_model_name_or_path": inputs.model_path,
                    "dtype": DTYPES[job.precision],
                    "attn_implementation": job.attention,
                    "use_safetensors": True,
                    "local_files_only": True,
                },
                "quantization": quantization(job),
                "adapter": adapter(job, inputs),
                "dataset": inputs.blocks_path,
                "training_arguments": training_arguments(job, workspace),
            },
            filename="train.json",
            command="$BIN/python $SOURCE/adapters/transformers/finetune.py train.json",
        )

    def train(self, config: NativeConfig, recorder: Recorder) -> None:
        from ..shared.hf import StepCallback
        from .finetune import finetune

        finetune(dict(config.options), callbacks=[StepCallback(recorder)])


def training_arguments(job: Job, workspace: Workspace) -> dict[str, Any]:
    """Return keyword arguments of transformers.TrainingArguments."""
    return {
        **trainer_arguments(job, workspace),
        # The weights have the job's precision and keep it: no autocast, and no fp32 copies of bf16 weights.
        "bf16": False,
        "gradient_checkpointing": job.gradient_checkpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "torch_compile": job.compile,
        # The blocks come in their order on disk (transformers 5.6 and newer).
        "train_sampling_strategy": "sequential",
    }


def quantization(job: Job) -> dict[str, Any] | None:
    """Return keyword arguments of transformers.BitsAndBytesConfig for QLoRA's NF4 with double quantization."""
    if job.quantization == "none":
        return None
    return {
        "load_in_4bit": True,
        "bnb_4bit_quant_type": job.quantization,
        "bnb_4bit_use_double_quant": True,
        "bnb_4bit_compute_dtype": DTYPES[job.precision],
        "bnb_4bit_quant_storage": "uint8",
    }


def adapter(job: Job, inputs: Inputs) -> dict[str, Any] | None:
    """Return keyword arguments of peft.PeftModel.from_pretrained. Rank, alpha and layers are in the shared adapter."""
    if not job.uses_lora:
        return None
    return {"model_id": inputs.adapter_path, "autocast_adapter_dtype": False}
