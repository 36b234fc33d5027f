"""The ceiling's training: the reference's model, compiled, in a loop that never waits for the device."""

from __future__ import annotations

from typing import Any

import datasets
import torch

from harness.job.job import Job

from ...base import LiveJob, Recorder
from ...shared.live_facts import tell_live_facts
from ..reference.loop import dtype_of, load_model, make_optimizer
from .cross_entropy import cross_entropy
from .four_bit import quantize


def train(job: Job, options: dict[str, Any], recorder: Recorder) -> None:
    """Train `job`. `options`: see CeilingAdapter.configure."""
    torch.manual_seed(job.seed)
    device = torch.device(options["device"])
    model = load_model(job, options, dtype_of(job), quantized=False)
    if job.quantization == "nf4":
        quantize(model)
    model.to(device).train()
    if job.compile:
        # Layer by layer: equal layers compile once, where the whole model would take minutes.
        for layer in model.model.layers:
            layer.compile()
    optimizer = make_optimizer(model, job)
    rows = datasets.load_from_disk(options["blocks_path"]).with_format("torch")[: job.blocks]
    tokens, labels = rows["input_ids"].to(device), rows["labels"].to(device)
    live = LiveJob(model=model, optimizer=optimizer, attention=job.attention, canonical_name=lambda name: name)
    tell_live_facts(recorder, live)
    recorder.training_begins(live)
    logs = _LaggingLog(recorder)
    micro_batches = zip(tokens.split(job.micro_batch_size), labels.split(job.micro_batch_size), strict=True)
    try:
        for step in range(1, job.max_steps + 1):
            for group in optimizer.param_groups:
                group["lr"] = job.learning_rate_at(step)
            total = torch.zeros((), device=device)
            for _ in range(job.gradient_accumulation_steps):
                some_tokens, some_labels = next(micro_batches)
                hidden = model(some_tokens, recompute=job.gradient_checkpointing)
                loss = cross_entropy(
                    hidden, model.output_weight, some_labels, chunks=options["loss_chunks"], compiled=job.compile
                )
                loss = loss / job.gradient_accumulation_steps
                loss.backward()
                total += loss.detach()
            norm = None
            if job.max_grad_norm:
                norm = torch.nn.utils.clip_grad_norm_(model.parameters(), job.max_grad_norm)
            optimizer.step()
            optimizer.zero_grad()
            recorder.step_ends()
            logs.add(step, total, norm)
    finally:
        logs.flush()


class _LaggingLog:
    """Reads the figures of a step once the next one is queued: reading them at once would wait for the device."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.waiting: tuple[int, torch.Tensor, torch.Tensor | None] | None = None

    def add(self, step: int, loss: torch.Tensor, norm: torch.Tensor | None) -> None:
        """Take the figures of a queued step."""
        self.flush()
        self.waiting = step, loss, norm

    def flush(self) -> None:
        """Report the figures that are left."""
        if self.waiting is not None:
            step, loss, norm = self.waiting
            self.recorder.step_logged(step, loss=float(loss), grad_norm=None if norm is None else float(norm))
            self.waiting = None
