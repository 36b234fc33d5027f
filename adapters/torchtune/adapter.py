"""torchtune: its single-device recipes, with this project's Qwen3 builder."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from harness.job.inputs import Inputs
from harness.job.job import PROJECTIONS, Job

from ..base import Adapter, Deviation, LiveJob, NativeConfig, Recorder, Unsupported, Workspace
from ..shared.live_facts import tell_live_facts

ATTENTION_NAMES = {"q_proj": "q_proj", "k_proj": "k_proj", "v_proj": "v_proj", "o_proj": "output_proj"}
MLP_NAMES = {name for name in PROJECTIONS if name not in ATTENTION_NAMES}
NF4_ELEMENTS = 16384
"""torchao 0.15's NF4 needs whole groups: 64 elements per block, 256 blocks per scaler block."""


class TorchtuneAdapter(Adapter):
    """lora_finetune_single_device and full_finetune_single_device, unmodified."""

    name = "torchtune"
    package = "torchtune"
    modules = ("torch", "datasets", "torchtune.modules.peft", "torchtune.training", "torchtune.config")
    environment = {"TORCHTUNE_LOG_LEVEL": "WARNING"}
    notes = ("torchtune 0.6.1 has no Qwen3: the model is built from its blocks by this project's builder",)

    def configure(self, job: Job, inputs: Inputs, workspace: Workspace) -> NativeConfig:
        refuse(job)
        options = recipe_config(job, inputs, workspace)
        recipe = "lora_finetune_single_device" if job.uses_lora else "full_finetune_single_device"
        deviations: tuple[Deviation, ...] = ()
        if job.quantization == "nf4":
            text = "NF4 through torchao, not bitsandbytes: code book to four decimals, other rounding of the scales"
            deviations = (Deviation(text=text, subjects=("quantization",)),)
        return NativeConfig(
            options=options,
            filename="torchtune.yaml",
            command=f"PYTHONPATH=$SOURCE $BIN/tune run {recipe} --config torchtune.yaml",
            deviations=deviations,
        )

    def train(self, config: NativeConfig, recorder: Recorder) -> None:
        from omegaconf import OmegaConf

        from .components import StepLogger
        from .weights import canonical_name

        options = OmegaConf.create(dict(config.options))
        recipe = recipe_class(lora="lora_rank" in config.options["model"])(options)
        recipe.setup(options)
        recipe._metric_logger = StepLogger(recorder)
        live = LiveJob(
            model=recipe._model, optimizer=recipe._optimizer, attention="sdpa", canonical_name=canonical_name
        )
        tell_live_facts(recorder, live)
        recorder.training_begins(live)
        recipe.train()
        recipe.cleanup()


def refuse(job: Job) -> None:
    """Raise Unsupported for what torchtune 0.6.1 cannot do."""
    if job.attention != "sdpa":
        raise Unsupported(f"attention={job.attention}: torchtune calls PyTorch's scaled_dot_product_attention only")
    if job.shape.hidden_size % job.shape.num_attention_heads:
        raise Unsupported("its attention block wants hidden_size to be a multiple of num_attention_heads")
    if not job.uses_lora and job.weight_decay:
        raise Unsupported("its recipes decay norm weights too, which the Trainer-based frameworks do not: set it to 0")
    mlp = MLP_NAMES & set(job.target_modules)
    if job.uses_lora and mlp and mlp != MLP_NAMES:
        raise Unsupported("LoRA goes on all three linear layers of the MLP or on none")
    if job.method == "qlora":
        from harness.job.job import projection_sizes

        odd = [n for n, (i, o) in projection_sizes(job.shape).items() if (i * o) % NF4_ELEMENTS]
        if odd:
            raise Unsupported(f"torchao's NF4 wants multiples of {NF4_ELEMENTS} weights a layer; not so: {odd}")


def recipe_config(job: Job, inputs: Inputs, workspace: Workspace) -> dict[str, Any]:
    """Return the config file of the single-device recipes. Every knob is set; none is left to a default."""
    components = f"{__package__}.components"
    return {
        "device": workspace.device,
        "dtype": job.precision,
        "seed": job.seed,
        "output_dir": workspace.output_path,
        "model": _model(job),
        "tokenizer": {"_component_": f"{components}.NoTokenizer"},
        "checkpointer": {
            "_component_": f"{__package__}.weights.Qwen3Checkpointer",
            "checkpoint_dir": inputs.model_path,
            "checkpoint_files": list(inputs.weight_files),
            "model_type": "QWEN2",
            "output_dir": workspace.output_path,
            "initial_adapter_dir": inputs.adapter_path,
        },
        "resume_from_checkpoint": False,
        "save_adapter_weights_only": True,
        "dataset": {"_component_": f"{components}.Blocks", "path": inputs.blocks_path},
        "shuffle": False,
        "batch_size": job.micro_batch_size,
        "gradient_accumulation_steps": job.gradient_accumulation_steps,
        "epochs": 1,
        "max_steps_per_epoch": job.max_steps,
        # In one chunk and in fp32, as the Trainer does it. torchtune's configs use eight chunks, which need less
        # memory.
        "loss": {"_component_": "torchtune.modules.loss.CEWithChunkedOutputLoss", "num_output_chunks": 1},
        "optimizer": _optimizer(job),
        "optimizer_in_bwd": False,
        "lr_scheduler": {
            "_component_": f"{components}.lr_schedule",
            "schedule": job.lr_schedule,
            "warmup_steps": job.lr_warmup_steps,
        },
        "clip_grad_norm": job.max_grad_norm or None,
        "compile": job.compile,
        "enable_activation_checkpointing": job.gradient_checkpointing,
        "enable_activation_offloading": False,
        "metric_logger": {
            "_component_": "torchtune.training.metric_logging.DiskLogger",
            "log_dir": workspace.output_path,
        },
        "log_every_n_steps": 1,
        # On CUDA it would reset the allocator's peak at every step.
        "log_peak_memory_stats": False,
    }


def _optimizer(job: Job) -> dict[str, Any]:
    return {
        "_component_": "torch.optim.AdamW",
        "lr": job.learning_rate,
        "betas": [job.adam_beta1, job.adam_beta2],
        "eps": job.adam_epsilon,
        "weight_decay": job.weight_decay,
        "fused": job.optimizer == "adamw_torch_fused",
    }


def _model(job: Job) -> dict[str, Any]:
    shape = job.shape
    model = {
        "vocab_size": shape.vocab_size,
        "num_layers": shape.num_hidden_layers,
        "num_heads": shape.num_attention_heads,
        "num_kv_heads": shape.num_key_value_heads,
        "head_dim": shape.head_dim,
        "embed_dim": shape.hidden_size,
        "intermediate_dim": shape.intermediate_size,
        "max_seq_len": job.sequence_length,
        "norm_eps": shape.rms_norm_eps,
        "rope_base": shape.rope_theta,
        "tie_word_embeddings": shape.tie_word_embeddings,
    }
    if not job.uses_lora:
        return {"_component_": f"{__package__}.qwen3.qwen3", **model}
    return {
        "_component_": f"{__package__}.qwen3.lora_qwen3",
        **model,
        "lora_attn_modules": [ATTENTION_NAMES[n] for n in job.target_modules if n in ATTENTION_NAMES],
        "apply_lora_to_mlp": bool(MLP_NAMES & set(job.target_modules)),
        "lora_rank": job.lora_rank,
        "lora_alpha": job.lora_alpha,
        "lora_dropout": job.lora_dropout,
        "quantize_base": job.quantization == "nf4",
    }


def recipe_class(*, lora: bool) -> Any:
    """Return the recipe's class, loaded from its file: torchtune forbids importing `recipes` as a package."""
    package = importlib.util.find_spec("torchtune")
    assert package is not None and package.origin is not None
    filename = "lora_finetune_single_device" if lora else "full_finetune_single_device"
    path = Path(package.origin).parent.parent / "recipes" / f"{filename}.py"
    spec = importlib.util.spec_from_file_location(filename, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LoRAFinetuneRecipeSingleDevice if lora else module.FullFinetuneRecipeSingleDevice
