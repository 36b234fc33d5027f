"""Unsloth: FastLanguageModel and UnslothTrainer, as its notebooks use them."""

from __future__ import annotations

from typing import Any

from harness.job.inputs import Inputs
from harness.job.job import DTYPES, Job

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


class UnslothAdapter(Adapter):
    """Unsloth's loader, its LoRA path if the job has no dropout, and its trainer."""

    name = "unsloth"
    package = "unsloth"
    modules = ("unsloth", "unsloth.trainer", "trl", "peft", "datasets", "transformers.models.qwen3.modeling_qwen3")
    environment = {"UNSLOTH_DISABLE_STATISTICS": "1", "UNSLOTH_DISABLE_AUTO_UPDATES": "1"}
    cpu_environment = {"UNSLOTH_FORCE_CPU": "1"}
    notes = ("its cross entropy is computed in chunks, for which it has no switch",)
    gpu_notes = ("its transformer blocks, which it compiles by default, are compiled only where the job says compile",)
    cpu_notes = ("its Triton kernels did not run: on a CPU it trains by a stock backend, so this is no test of them",)

    def configure(self, job: Job, inputs: Inputs, workspace: Workspace) -> NativeConfig:
        if job.attention != "sdpa":
            raise Unsupported(
                f"attention={job.attention}: it chooses its attention itself (sdpa without extra packages)"
            )
        if job.compile and workspace.device == "cpu":
            raise Unsupported("compile=true: needs a GPU; on a CPU it compiles no layer (2026.10.9)")
        if workspace.device == "cuda" and job.precision == "fp32":
            raise Unsupported("precision=fp32: on a GPU its trainer turns bf16 autocast on by itself (2026.10.9)")
        if workspace.device == "cpu" and job.precision == "bf16" and job.method == "lora":
            # The audit observed it: the frozen weights are bf16, LoRA's are fp32, and autocast is off (2026.10.9).
            raise Unsupported("precision=bf16 with lora: on a CPU three quarters of its matrix products run in fp32")
        if workspace.device == "cpu" and job.optimizer == "adamw_torch":
            raise Unsupported("optimizer=adamw_torch: on a CPU it takes the fused one in its place")
        deviations: tuple[Deviation, ...] = ()
        if job.precision == "bf16":
            precision_text = "LoRA weights are kept in fp32" if job.uses_lora else "the weights themselves are bf16"
            deviations = (Deviation(text=f"bf16 by autocast; {precision_text}", subjects=PRECISION_SUBJECTS),)
        return NativeConfig(
            options=options(job, inputs, workspace),
            filename="train.json",
            command="UNSLOTH_DISABLE_STATISTICS=1 $BIN/python $SOURCE/adapters/unsloth/finetune.py train.json",
            deviations=deviations,
        )

    def train(self, config: NativeConfig, recorder: Recorder) -> None:
        import unsloth

        from ..shared.hf import StepCallback
        from .finetune import finetune

        recorder.fact("unsloth_device_type", unsloth.DEVICE_TYPE)
        finetune(dict(config.options), callbacks=[StepCallback(recorder)])


def options(job: Job, inputs: Inputs, workspace: Workspace) -> dict[str, Any]:
    """Return the keyword arguments of Unsloth's functions. Every knob is set; none is left to a default."""
    bf16 = job.precision == "bf16"
    return {
        "model": {
            "model_name": inputs.model_path,
            "max_seq_length": job.sequence_length,
            "dtype": DTYPES[job.precision],
            # On by default.
            "load_in_4bit": job.quantization == "nf4",
            "load_in_8bit": False,
            "load_in_16bit": False,
            "full_finetuning": not job.uses_lora,
            # Its CPU loader does not know the key.
            **({"float32_mixed_precision": not bf16} if workspace.device == "cuda" else {}),
            # The default, "unsloth", offloads to host memory.
            "use_gradient_checkpointing": job.gradient_checkpointing,
            "random_state": job.seed,
            "local_files_only": True,
        },
        # Layer by layer, on a GPU. It is on unless its environment variable says otherwise.
        "compile_blocks": job.compile,
        "lora": lora(job),
        "lora_dtype": "float32" if job.uses_lora and not bf16 else None,
        "initial_adapter": inputs.adapter_path,
        "dataset": inputs.blocks_path,
        "training_arguments": {
            **trainer_arguments(job, workspace),
            "bf16": bf16,
            "gradient_checkpointing": job.gradient_checkpointing,
            "max_length": job.sequence_length,
            "packing": False,
            # None turns it on for GPUs.
            "padding_free": False,
            "dataset_kwargs": {"skip_prepare_dataset": True},
            "remove_unused_columns": False,
        },
    }


def lora(job: Job) -> dict[str, Any] | None:
    """Return keyword arguments of FastLanguageModel.get_peft_model. The initial weights are put in afterwards."""
    if not job.uses_lora:
        return None
    return {
        "r": job.lora_rank,
        "lora_alpha": job.lora_alpha,
        "lora_dropout": job.lora_dropout,
        "target_modules": list(job.target_modules),
        "bias": "none",
        "use_gradient_checkpointing": job.gradient_checkpointing,
        "random_state": job.seed,
        "use_rslora": False,
    }
