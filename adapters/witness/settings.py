"""Settings read back from live modules and optimizers, by what they are and not by what was asked."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import torch

ATTENTION_MODULE = re.compile(r"(?:^|\.)layers\.\d+\.(?:[^.]+\.)?(?:self_attn|attn)$")
"""The name of a decoder layer's attention in transformers and in torchtune, also beneath a checkpointing wrapper."""


def attention_modules(model: torch.nn.Module) -> list[torch.nn.Module]:
    """Each decoder layer's attention."""
    return [module for name, module in model.named_modules() if ATTENTION_MODULE.search(name)]


def lora_layers(model: torch.nn.Module, canonical_name: Callable[[str], str]) -> list[dict[str, Any]]:
    """Name, rank, scaling (alpha / rank) and dropout of each linear layer with LoRA.

    As peft, torchtune or adapters/reference has it.
    """
    layers = []
    for name, module in model.named_modules():
        if isinstance(getattr(module, "scaling", None), dict) and hasattr(module, "lora_A"):
            for adapter in module.active_adapters:
                rank, scaling = module.r[adapter], float(module.scaling[adapter])
                dropout = _dropout(module.lora_dropout[adapter])
                layers.append(_lora(canonical_name(name), rank, scaling, dropout))
        elif getattr(module, "has_lora", False):
            # This project's own model, which the ceiling trains too.
            rank = module.lora_A.out_features
            layers.append(_lora(canonical_name(name), rank, module.scaling, _dropout(module.dropout)))
        elif hasattr(module, "lora_a") and hasattr(module, "alpha"):
            layers.append(
                _lora(canonical_name(name), module.rank, module.alpha / module.rank, _dropout(module.dropout))
            )
    return layers


def lora_dropouts(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The modules that leave out inputs of LoRA, where any are left out."""
    found = []
    for module in model.modules():
        if isinstance(getattr(module, "scaling", None), dict) and hasattr(module, "lora_A"):
            found += [module.lora_dropout[adapter] for adapter in module.active_adapters]
        elif getattr(module, "has_lora", False) or hasattr(module, "lora_a"):
            found.append(module.dropout)
    return [one for one in found if _dropout(one)]


def is_compiled(model: torch.nn.Module) -> bool:
    """Whether torch.compile is on the model or on a module in it."""
    # Asked for by name: importing dynamo where nothing has compiled would take seconds.
    dynamo = sys.modules.get("torch._dynamo")
    optimized = () if dynamo is None else dynamo.OptimizedModule
    return any(
        isinstance(module, optimized) or getattr(module, "_compiled_call_impl", None) is not None
        for module in model.modules()
    )


def has_compiled() -> bool:
    """Whether anything at all was compiled in this process."""
    dynamo = sys.modules.get("torch._dynamo.utils")
    return dynamo is not None and dynamo.counters["stats"]["unique_graphs"] > 0


def optimizer_settings(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Class and, per group that has parameters, the numbers that it steps with now."""
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


def _lora(name: str, rank: int, scaling: float, dropout: float) -> dict[str, Any]:
    return {"name": name, "rank": rank, "scaling": scaling, "dropout": dropout}


def _dropout(module: torch.nn.Module) -> float:
    return float(getattr(module, "p", 0.0))
