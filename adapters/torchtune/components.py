"""The components that torchtune's config names for the shared inputs: blocks, padding id, learning rate, step log."""

from __future__ import annotations

import math
from typing import Any

import datasets
import torch
from torch.optim.lr_scheduler import LambdaLR
from torchtune.training.metric_logging import MetricLoggerInterface

from ..base import Recorder


class NoTokenizer:
    """Stands where the recipes want a tokenizer: the blocks are token ids already and need no padding."""

    pad_id = 0


class Blocks(torch.utils.data.Dataset[dict[str, list[int]]]):
    """The prepared blocks. Labels are not shifted: the recipes do that."""

    def __init__(self, tokenizer: NoTokenizer, path: str) -> None:
        self.rows = datasets.load_from_disk(path)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        row = self.rows[index]
        return {"tokens": row["input_ids"], "labels": row["labels"]}


def lr_schedule(
    optimizer: torch.optim.Optimizer, num_training_steps: int, last_epoch: int, schedule: str, warmup_steps: int
) -> LambdaLR:
    """Return transformers' constant, linear or cosine schedule; torchtune has only the last one.

    The formula stands in harness.job.job too, on purpose: the audit compares the rates of this one with that one's.
    """

    def factor(step: int) -> float:
        if step < warmup_steps:
            return step / max(1, warmup_steps)
        progress = (step - warmup_steps) / max(1, num_training_steps - warmup_steps)
        if schedule == "linear":
            return max(0.0, 1.0 - progress)
        if schedule == "cosine":
            return max(0.0, 0.5 * (1.0 + math.cos(math.pi * progress)))
        return 1.0

    return LambdaLR(optimizer, factor, last_epoch)


class StepLogger(MetricLoggerInterface):
    """Passes what the recipe logs to a Recorder.

    The recipes call `log_dict` once per optimizer step, after `optimizer.step()` and after reading the loss, which
    waits for the device: its time is the end of the step. `lr` is already that of the next step.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def log(self, name: str, data: Any, step: int) -> None:
        """Do nothing: single values add nothing to `log_dict`."""

    def log_config(self, config: Any) -> None:
        """Do nothing: the harness keeps the config itself."""

    def log_dict(self, payload: Any, step: int) -> None:
        self.recorder.step_ends()
        norm = payload.get("grad_norm")
        self.recorder.step_logged(step, loss=float(payload["loss"]), grad_norm=None if norm is None else float(norm))

    def close(self) -> None:
        """Do nothing: nothing is open."""
