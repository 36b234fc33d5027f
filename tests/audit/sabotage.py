"""Real adapters that cheat while they train. Imported in a framework's environment: standard library and torch only."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters.base import Adapter, LiveJob, NativeConfig, Recorder
from adapters.instruments.forwarding import ForwardingRecorder
from adapters.transformers.adapter import TransformersAdapter

SOURCE_ROOT = Path(__file__).parents[2]


class Saboteur(ForwardingRecorder):
    """A Recorder between the adapter and the audit's witness; what it does to the live job comes after the witness
    has taken stock, so that no starting value gives it away."""

    def training_begins(self, live: LiveJob) -> None:
        super().training_begins(live)
        self.sabotage(live)

    def sabotage(self, live: LiveJob) -> None:
        """Change the live job."""


def trained(live: LiveJob) -> list[Any]:
    return [parameter for parameter in live.model.parameters() if parameter.requires_grad]


def optimizer_of(live: LiveJob) -> Any:
    return getattr(live.optimizer, "optimizer", live.optimizer)


class FrozenWeights(Saboteur):
    def sabotage(self, live: LiveJob) -> None:
        for parameter in trained(live)[:8]:
            parameter.requires_grad_(False)


class SkippedStep(Saboteur):
    def sabotage(self, live: LiveJob) -> None:
        optimizer, calls = optimizer_of(live), []
        step = optimizer.step

        def skipping(*arguments: Any, **options: Any) -> Any:
            calls.append(1)
            return None if len(calls) == 2 else step(*arguments, **options)

        optimizer.step = skipping


class ZeroedGradient(Saboteur):
    def sabotage(self, live: LiveJob) -> None:
        victim = trained(live)[1]

        # After the audit's own hook has looked: only the weights can tell.
        def zero(*_: Any) -> None:
            victim.grad.zero_()

        optimizer_of(live).register_step_pre_hook(zero)


class ScaledLoss(Saboteur):
    def sabotage(self, live: LiveJob) -> None:
        for parameter in trained(live):
            parameter.register_hook(lambda gradient: gradient * 2)


class SilentDropout(Saboteur):
    """Its modules say the rate that was asked for."""

    def sabotage(self, live: LiveJob) -> None:
        for name, module in live.model.named_modules():
            if ".lora_dropout." in name:
                module.forward = lambda x: x.clone()


class ConstantLoss(Saboteur):
    def step_logged(self, step: int, *, loss: float, grad_norm: float | None = None, learning_rate: Any = None) -> None:
        super().step_logged(step, loss=12.0, grad_norm=grad_norm, learning_rate=learning_rate)


class EmbeddingsTrainedToo(Saboteur):
    def sabotage(self, live: LiveJob) -> None:
        embeddings = live.model.get_input_embeddings().weight
        embeddings.requires_grad_(True)
        optimizer_of(live).param_groups[0]["params"].append(embeddings)


class LastBitOfAFrozenWeight(Saboteur):
    """No loss can tell: it is of a token that the text does not have."""

    def sabotage(self, live: LiveJob) -> None:
        import torch

        bits = live.model.get_input_embeddings().weight.data.view(torch.int32)
        optimizer_of(live).register_step_post_hook(lambda *_: bits[-1, -1].add_(1))


class DroppedLayer(Saboteur):
    def sabotage(self, live: LiveJob) -> None:
        layers = next(module for name, module in live.model.named_modules() if name.endswith("layers"))
        layers[-1].forward = lambda hidden_states, *_, **__: hidden_states


class ForgottenMomentum(Saboteur):
    def sabotage(self, live: LiveJob) -> None:
        optimizer_of(live).register_step_post_hook(lambda optimizer, *_: optimizer.state.clear())


class UndoneLastUpdate(Saboteur):
    """The losses cannot tell: they are computed before the step that is undone."""

    def sabotage(self, live: LiveJob) -> None:
        before: list[Any] = []
        steps: list[int] = []
        optimizer = optimizer_of(live)

        def keep(*_: Any) -> None:
            before[:] = [parameter.detach().clone() for parameter in trained(live)]

        step = optimizer.step

        def undoing(*arguments: Any, **options: Any) -> Any:
            steps.append(1)
            if len(steps) == 4:
                for group in optimizer.param_groups:
                    group["params"], group["kept"] = [], group["params"]
            return step(*arguments, **options)

        optimizer.register_step_pre_hook(keep)
        optimizer.step = undoing


class AutocastToBf16(Saboteur):
    def sabotage(self, live: LiveJob) -> None:
        import torch

        forward = live.model.forward

        def lower(*arguments: Any, **options: Any) -> Any:
            with torch.autocast("cpu", torch.bfloat16):
                return forward(*arguments, **options)

        live.model.forward = lower


class TwoLearningRates(Saboteur):
    def sabotage(self, live: LiveJob) -> None:
        optimizer = optimizer_of(live)
        step = optimizer.step

        def split(*arguments: Any, **options: Any) -> Any:
            groups = optimizer.param_groups
            group = groups[0]
            first = {**group, "params": group["params"][::2]}
            second = {**group, "params": group["params"][1::2], "lr": group["lr"] * 16}
            optimizer.param_groups = [first, second]
            try:
                return step(*arguments, **options)
            finally:
                optimizer.param_groups = groups

        optimizer.step = split


class ForgottenTokens(Saboteur):
    """Half of each block is taken out before the embedding."""

    def sabotage(self, live: LiveJob) -> None:
        forward = live.model.forward

        def shorter(*arguments: Any, **options: Any) -> Any:
            cut = {name: value[:, : value.shape[1] // 2] for name, value in options.items() if value.dim() == 2}
            return forward(*arguments, **{**options, **cut})

        live.model.forward = shorter


class UnscaledAttention(Saboteur):
    """The attention's own temperature: nothing but the losses and gradients shows it."""

    def sabotage(self, live: LiveJob) -> None:
        for module in live.model.modules():
            if hasattr(module, "q_norm"):
                module.scaling *= 1.01


class CompiledLayers(Saboteur):
    """Each decoder layer as one compiled region behind its class, where no module says so."""

    def sabotage(self, live: LiveJob) -> None:
        import torch

        for kind in {type(module) for module in live.model.modules() if type(module).__name__.endswith("DecoderLayer")}:
            kind.forward = torch.compile(kind.forward, backend="eager")


def last_norm(live: LiveJob) -> Any:
    return [parameter for name, parameter in live.model.named_parameters() if name.endswith("norm.weight")][-1]


class FrozenNorm(Saboteur):
    """In bf16 its weight would not move in an honest run either."""

    def sabotage(self, live: LiveJob) -> None:
        last_norm(live).requires_grad_(False)


class NormAtATenth(Saboteur):
    """Adam's update does not depend on the size of the gradient, so the weight itself is turned back."""

    def sabotage(self, live: LiveJob) -> None:
        norm = last_norm(live)
        before = norm.detach().clone()

        def turn_back(*_: Any) -> None:
            norm.data.copy_(before + (norm.detach() - before) / 10)

        optimizer_of(live).register_step_post_hook(turn_back)


class ForgottenMasterWeights(Saboteur):
    """The optimizer keeps the weights in fp32 for itself, and the model never gets them."""

    def sabotage(self, live: LiveJob) -> None:
        optimizer = optimizer_of(live)
        masters = {parameter: parameter.detach().float() for parameter in trained(live)}
        for group in optimizer.param_groups:
            group["params"] = [masters[parameter] for parameter in group["params"]]

        def hand_over(*_: Any) -> None:
            for parameter, master in masters.items():
                master.grad = None if parameter.grad is None else parameter.grad.float()

        optimizer.register_step_pre_hook(hand_over)


class Cheating(Adapter):
    """An adapter whose options may name a Saboteur of this module."""

    environment = {"PYTHONPATH": str(SOURCE_ROOT)}

    def train(self, config: NativeConfig, recorder: Recorder) -> None:
        options = dict(config.options)
        saboteur: Callable[[Recorder], Recorder] = globals()[options.pop("saboteur", "Saboteur")]
        super().train(dataclasses.replace(config, options=options), saboteur(recorder))  # type: ignore[safe-super]


class CheatingTransformers(Cheating, TransformersAdapter):
    """transformers, cheating."""
