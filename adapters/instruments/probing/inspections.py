"""Inspections of a live job: evidence that an option took effect and was not accepted and ignored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...base import LiveJob


def dora_layers(live: LiveJob) -> Callable[[], str]:
    """Find DoRA's magnitudes among the trained parameters."""

    def evidence() -> str:
        names = [
            name for name, parameter in live.model.named_parameters() if "magnitude" in name and parameter.requires_grad
        ]
        if not names:
            raise ValueError("no magnitude vector is trained")
        return f"{len(names)} magnitude vectors are trained"

    return evidence


def eight_bit_layers(live: LiveJob) -> Callable[[], str]:
    """Find linear layers whose weights are stored in 8 bits."""

    def evidence() -> str:
        layers = [module for module in live.model.modules() if type(module).__name__ == "Linear8bitLt"]
        stored = {str(layer.weight.dtype) for layer in layers}
        if stored != {"torch.int8"}:
            raise ValueError(f"weights of {len(layers)} 8-bit layers are stored as {stored or 'nothing'}")
        return f"{len(layers)} layers hold int8 weights"

    return evidence


def fp8_layers(live: LiveJob) -> Callable[[], str]:
    """Find layers that compute in FP8. A job whose option is ignored would train all the same."""

    def evidence() -> str:
        kinds = [type(module).__name__ for module in live.model.modules()]
        kinds = [kind for kind in kinds if "float8" in kind.lower() or "fp8" in kind.lower()]
        if not kinds:
            raise ValueError("the option was taken, and no layer computes in FP8")
        return f"{len(kinds)} layers are {', '.join(sorted(set(kinds)))}"

    return evidence


def loss_in_chunks(live: LiveJob) -> Callable[[], str]:
    """Find a model that returns no whole logits in training, or a loss function that takes them in chunks."""
    sizes: list[str] = []

    def returned(module: Any, arguments: Any, output: Any) -> None:
        if isinstance(output, list):
            sizes.append(f"{len(output)} chunks of logits")
        else:
            logits = getattr(output, "logits", None)
            numel = getattr(logits, "numel", None)
            sizes.append("whole logits" if numel is not None and numel() else "no logits")

    live.model.register_forward_hook(returned)

    def evidence() -> str:
        losses = {str(getattr(module, "loss_function", "")) for module in live.model.modules()}
        if named := [name for name in losses if "chunk" in name.lower()]:
            return f"its loss function: {named[0]}"
        if not sizes or "whole logits" in sizes:
            seen = sizes[0] if sizes else "no forward pass was seen"
            raise ValueError(f"nothing shows that the loss is taken in chunks: {seen}")
        return f"a forward pass in training returned {sizes[0]}"

    return evidence


def scaled_rope(live: LiveJob) -> Callable[[], str]:
    """Find the scaling of rotary embeddings in the live model's config."""

    def evidence() -> str:
        config = live.model.config
        rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
        kind = rope.get("rope_type", rope.get("type", "default"))
        if kind == "default":
            raise ValueError(f"the live model's rotary embeddings are not scaled: {rope}")
        return f"the live model's rotary embeddings: {kind}, factor {rope.get('factor')}"

    return evidence


def computed_again(live: LiveJob) -> Callable[[], str]:
    """Count how often a layer's attention runs while the embedding runs once."""
    import torch

    from ..witness.settings import attention_modules

    runs = {"embedding": 0, "attention": 0}

    def count(name: str) -> Callable[..., None]:
        def counted(*_: Any) -> None:
            runs[name] += 1

        return counted

    embedding = next(module for module in live.model.modules() if isinstance(module, torch.nn.Embedding))
    embedding.register_forward_pre_hook(count("embedding"))
    next(iter(attention_modules(live.model))).register_forward_pre_hook(count("attention"))

    def evidence() -> str:
        if runs["attention"] != 2 * runs["embedding"]:
            raise ValueError(f"activations are not computed again: {runs}")
        return f"a layer ran {runs['attention']} times in {runs['embedding']} forward passes"

    return evidence


def compiled_graphs(live: LiveJob) -> Callable[[], str]:
    """Count the graphs that torch.compile made."""

    def evidence() -> str:
        from torch._dynamo.utils import counters

        graphs = counters["stats"]["unique_graphs"]
        if not graphs:
            raise ValueError("torch.compile made no graph")
        return f"torch.compile made {graphs} graphs"

    return evidence
