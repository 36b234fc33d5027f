"""The job as transformers.TrainingArguments, which three of the frameworks accept directly. Pure."""

from __future__ import annotations

from typing import Any

from harness.job.job import Job

from ..base import Workspace


def lr_scheduler_type(job: Job) -> str:
    """Return transformers' name of the schedule. Its "constant" has no warm-up."""
    return "constant_with_warmup" if job.lr_schedule == "constant" and job.lr_warmup_steps else job.lr_schedule


def trainer_arguments(job: Job, workspace: Workspace) -> dict[str, Any]:
    """Return the arguments for every Trainer, which saves and reports nothing.

    Every knob is set; none is left to a default.
    """
    return {
        "output_dir": workspace.output_path,
        "use_cpu": workspace.device == "cpu",
        "fp16": False,
        "per_device_train_batch_size": job.micro_batch_size,
        "gradient_accumulation_steps": job.gradient_accumulation_steps,
        "max_steps": job.max_steps,
        "optim": job.optimizer,
        "learning_rate": job.learning_rate,
        "adam_beta1": job.adam_beta1,
        "adam_beta2": job.adam_beta2,
        "adam_epsilon": job.adam_epsilon,
        "weight_decay": job.weight_decay,
        "lr_scheduler_type": lr_scheduler_type(job),
        "warmup_steps": job.lr_warmup_steps,
        "max_grad_norm": job.max_grad_norm,
        "seed": job.seed,
        "data_seed": job.seed,
        "dataloader_num_workers": 0,
        "logging_strategy": "steps",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "eval_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }
