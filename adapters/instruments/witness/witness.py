"""A Recorder that observes the live job while it trains, and writes a trace."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from ...base import LiveJob, Recorder
from ..forwarding import ForwardingRecorder
from .operators import Operators
from .settings import (
    attention_modules,
    has_compiled,
    is_compiled,
    lora_dropouts,
    lora_layers,
    optimizer_settings,
)
from .tensors import (
    change_of,
    digest,
    dtype_name,
    fingerprint,
    read_all,
    shape_of,
    squares_of,
    storage_of,
    values_of,
)

RAN_NOTHING = {"layer_runs": 0, "dropout_runs": 0}


class SeenEnough(BaseException):
    """Raised in the framework's loop after the last audited step. Its `except Exception` does not catch this."""


class Witness(ForwardingRecorder):
    """Stands between an adapter and the process's Recorder; harness.audit.trace describes what it writes.

    It observes where no framework can report something else: tokens where the embedding reads them, gradients and
    settings where torch's optimizers step (one hook for all), operators by the profiler.
    """

    def __init__(self, recorder: Recorder, steps: int) -> None:
        super().__init__(recorder)
        self.steps_wanted = steps
        self.live: LiveJob | None = None
        self.micro_batches: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []
        self.logged: dict[int, dict[str, Any]] = {}
        self.clips: list[dict[str, float]] = []
        self.operators: dict[str, Any] = {}
        self.before: dict[str, dict[str, Any]] = {}
        self.after: dict[str, dict[str, Any]] = {}
        self.settings: dict[str, Any] = {}
        self.went_on = False
        self._copies: dict[str, torch.Tensor] = {}
        self._last_gradients: dict[str, dict[str, Any]] = {}
        self._optimizers: list[torch.optim.Optimizer] = []
        self._profile: Operators | None = None
        self._left_out: torch.Tensor | None = None
        """How many of its inputs LoRA's dropout left out, and of how many."""

    def training_begins(self, live: LiveJob) -> None:
        """Record the initial state of the model and set the hooks. See adapters.base.Recorder."""
        self.live = live
        fingerprints: dict[str, torch.Tensor] = {}
        for name, parameter in self._parameters().items():
            self.before[name] = {
                "shape": shape_of(parameter),
                "storage": storage_of(parameter),
                "trainable": parameter.requires_grad,
            }
            values = values_of(parameter)
            fingerprints[name] = fingerprint(values)
            if parameter.requires_grad:
                self._copies[name] = parameter.detach().clone()
            else:
                self.before[name]["digest"] = digest(values)
        for name, (squares, weighted) in read_all(fingerprints).items():
            self.before[name]["values"] = (squares**0.5, weighted)
        self.settings = {
            "lora_layers": lora_layers(live.model, live.canonical_name),
            "compiled": is_compiled(live.model),
            "world_size": torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1,
            "initial_seed": torch.initial_seed(),
        }
        for module in live.model.modules():
            if isinstance(module, torch.nn.Embedding):
                module.register_forward_pre_hook(self._tokens_arrive)
        for module in attention_modules(live.model):
            module.register_forward_pre_hook(self._layer_runs)
        for module in lora_dropouts(live.model):
            module.register_forward_hook(self._dropout_ran)
        register_optimizer_step_pre_hook(self._optimizer_steps)
        register_optimizer_step_post_hook(self._optimizer_stepped)
        self._listen_to_clipping()
        super().training_begins(live)

    def step_logged(
        self, step: int, *, loss: float, grad_norm: float | None = None, learning_rate: float | None = None
    ) -> None:
        """Keep the figures, and pass them on."""
        self.logged[step] = {"loss": loss, "grad_norm": grad_norm}
        super().step_logged(step, loss=loss, grad_norm=grad_norm, learning_rate=learning_rate)

    def write(self, path: Path) -> None:
        """Write the trace as far as training has got."""
        if self._profile is not None:
            self._stop_profile()
        if not self.after:
            self._take_stock_again()
        if (
            self.micro_batches
            and not any(micro_batch["layer_runs"] for micro_batch in self.micro_batches)
            and has_compiled()
        ):
            # Whatever was compiled contains the layers' attention.
            self.settings["compiled"] = True
            self.operators = {}
        tensors = [
            {"name": name, **before, **self._last_gradients.get(name, {}), **self.after.get(name, {})}
            for name, before in self.before.items()
        ]
        trace = {
            "micro_batches": self.micro_batches,
            "steps": [{**step, "logged": self.logged.get(step["step"])} for step in self.steps],
            "tensors": tensors,
            "operators": self.operators or None,
            "went_on": self.went_on,
            "left_out": None if self._left_out is None else self._left_out.tolist(),
            **self.settings,
        }
        path.write_text(json.dumps(trace), encoding="utf-8")

    def _parameters(self) -> dict[str, torch.nn.Parameter]:
        assert self.live is not None
        return {self.live.canonical_name(name): value for name, value in self.live.model.named_parameters()}

    def _tokens_arrive(self, module: Any, arguments: tuple[Any, ...]) -> None:
        if self._profile is not None:
            self._stop_profile()
        if len(self.steps) >= self.steps_wanted:
            self.went_on = True
            raise SeenEnough
        tokens = arguments[0].detach().to("cpu", torch.int64)
        hashes = [hashlib.sha256(bytes(row.contiguous().numpy())).hexdigest() for row in tokens]
        step = len(self.steps) + 1
        self.micro_batches.append({"step": step, "blocks": hashes, "length": tokens.shape[-1], **RAN_NOTHING})
        if len(self.micro_batches) == 1 and not self.settings["compiled"]:
            self._profile = Operators()
            self._profile.start()

    def _layer_runs(self, module: Any, arguments: tuple[Any, ...]) -> None:
        if torch.compiler.is_compiling():
            # Otherwise what is read below would become guards, and each layer of each step would be compiled again.
            return
        if self.micro_batches:
            self.micro_batches[-1]["layer_runs"] += 1

    def _dropout_ran(self, module: Any, arguments: tuple[Any, ...], output: torch.Tensor) -> None:
        if torch.compiler.is_compiling() or not self.micro_batches:
            return
        self.micro_batches[-1]["dropout_runs"] += 1
        zeros = output.detach().numel() - output.detach().count_nonzero()
        seen = torch.stack([zeros, torch.full_like(zeros, output.numel())])
        self._left_out = seen if self._left_out is None else self._left_out + seen

    def _optimizer_steps(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        if self._profile is not None:
            self._stop_profile()
        if optimizer not in self._optimizers:
            self._optimizers.append(optimizer)
        gradients = {
            name: parameter.grad for name, parameter in self._parameters().items() if parameter.grad is not None
        }
        squares = {name: read[0] for name, read in read_all({n: squares_of(g) for n, g in gradients.items()}).items()}
        self._last_gradients = {
            name: {"gradient_norm": squares[name] ** 0.5, "gradient_dtype": dtype_name(gradient.dtype)}
            for name, gradient in gradients.items()
        }
        self.steps.append(
            {
                "step": len(self.steps) + 1,
                "grad_norm": sum(squares.values()) ** 0.5,
                "clip": self.clips[-1] if self.clips else None,
                "optimizer": optimizer_settings(optimizer),
            }
        )
        self.clips.clear()

    def _optimizer_stepped(self, *_: Any) -> None:
        if len(self.steps) == self.steps_wanted:
            self._take_stock_again()

    def _take_stock_again(self) -> None:
        """Record what each tensor holds now, and how far the trained ones have moved."""
        if self.live is None:
            return
        states = {id(key): state for optimizer in self._optimizers for key, state in optimizer.state.items()}
        changes: dict[str, torch.Tensor] = {}
        for name, parameter in self._parameters().items():
            if (copy := self._copies.get(name)) is None:
                self.after[name] = {"digest_after": digest(values_of(parameter))}
                continue
            changes[name] = change_of(parameter, copy)
            state = states.get(id(parameter), {})
            self.after[name] = {
                "state_dtypes": sorted(
                    {dtype_name(value.dtype) for value in state.values() if _is_like(value, parameter)}
                ),
            }
        for name, (squares, moved, visibly) in read_all(changes).items():
            self.after[name] |= {"change_norm": squares**0.5, "moved": int(moved), "moved_in_bf16": int(visibly)}

    def _stop_profile(self) -> None:
        assert self._profile is not None
        self.operators = self._profile.stop()
        self._profile = None

    def _listen_to_clipping(self) -> None:
        """accelerate and torchtune both look the function up in torch.nn.utils when they call it."""
        original = torch.nn.utils.clip_grad_norm_

        def listening(parameters: Any, max_norm: float, *arguments: Any, **options: Any) -> Any:
            norm = original(parameters, max_norm, *arguments, **options)
            self.clips.append({"max_norm": float(max_norm), "norm": float(norm)})
            return norm

        torch.nn.utils.clip_grad_norm_ = listening


def _is_like(value: Any, parameter: torch.nn.Parameter) -> bool:
    """True if an entry of an optimizer's state is a moment, not a step counter."""
    return isinstance(value, torch.Tensor) and value.numel() == parameter.numel() and value.numel() > 1
