"""Settings read back from live modules and optimizers, not from what was asked for."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch

ATTENTION_MODULE = re.compile(r"(?:^|\.)layers\.\d+\.(?:[^.]+\.)?(?:self_attn|attn)$")
"""Name of a decoder layer's attention in transformers and in torchtune, also under a checkpointing wrapper."""


def attention_modules(model: torch.nn.Module) -> list[torch.nn.Module]:
    """Yield each decoder layer's attention."""
    return [module for name, module in model.named_modules() if ATTENTION_MODULE.search(name)]


def lora_layers(model: torch.nn.Module, canonical_name: Callable[[str], str]) -> list[dict[str, Any]]:
    """Return name, rank, scaling (alpha / rank) and dropout of each linear layer with LoRA.

    LoRA of peft, torchtune or adapters/instruments/reference.
    """
    return [
        {"name": canonical_name(name), "rank": rank, "scaling": scaling, "dropout": _rate(dropout)}
        for name, rank, scaling, dropout in _lora_parts(model)
    ]


def lora_dropouts(model: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the modules that leave out inputs of LoRA, if any do."""
    return [dropout for _, _, _, dropout in _lora_parts(model) if _rate(dropout)]


def _lora_parts(model: torch.nn.Module) -> Iterator[tuple[str, int, float, torch.nn.Module]]:
    """Yield name, rank, scaling and dropout module of each linear layer with LoRA."""
    for name, module in model.named_modules():
        if isinstance(getattr(module, "scaling", None), dict) and hasattr(module, "lora_A"):
            for adapter in module.active_adapters:
                yield name, module.r[adapter], float(module.scaling[adapter]), module.lora_dropout[adapter]
        elif getattr(module, "has_lora", False):
            # This project's model, which the ceiling trains too.
            yield name, module.lora_A.out_features, module.scaling, module.dropout
        elif hasattr(module, "lora_a") and hasattr(module, "alpha"):
            yield name, module.rank, module.alpha / module.rank, module.dropout


def is_compiled(model: torch.nn.Module) -> bool:
    """True if torch.compile is on the model or on a module in it."""
    # By name: importing dynamo, if nothing has compiled, would take seconds.
    dynamo = sys.modules.get("torch._dynamo")
    optimized = () if dynamo is None else dynamo.OptimizedModule
    return any(
        isinstance(module, optimized) or getattr(module, "_compiled_call_impl", None) is not None
        for module in model.modules()
    )


def has_compiled() -> bool:
    """True if anything was compiled in this process."""
    dynamo = sys.modules.get("torch._dynamo.utils")
    return dynamo is not None and dynamo.counters["stats"]["unique_graphs"] > 0


def optimizer_settings(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return the class and, per group that has parameters, the hyperparameters of the next step."""
    groups = []
    for group in optimizer.param_groups:
        if not group["params"]:
            continue
        betas = group.get("betas", (None, None))
        groups.append(
            {
                "learning_rate": float(group["lr"]),
                "beta1": betas[0],
                "beta2": betas[1],
                "epsilon": group.get("eps"),
                "weight_decay": group.get("weight_decay"),
                "matrices": sum(parameter.dim() > 1 for parameter in group["params"]),
            }
        )
    fused = any(group.get("fused") for group in optimizer.param_groups)
    return {"class": f"{type(optimizer).__module__}.{type(optimizer).__name__}", "fused": fused, "groups": groups}


def _rate(module: torch.nn.Module) -> float:
    return float(getattr(module, "p", 0.0))
