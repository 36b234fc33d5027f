"""Facts of every framework's live model and optimizer before the first step. Does not import torch."""

from __future__ import annotations

from typing import Any

from ..base import LiveJob, Recorder


def tell_live_facts(recorder: Recorder, live: LiveJob) -> None:
    """Record what really trains: which parameters, in which dtypes, by which optimizer and attention."""
    trainable = [parameter for parameter in live.model.parameters() if parameter.requires_grad]
    recorder.fact("attention", live.attention)
    recorder.fact("trainable_parameters", sum(parameter.numel() for parameter in trainable))
    recorder.fact("trainable_dtypes", sorted({str(parameter.dtype) for parameter in trainable}))
    recorder.fact("optimizer", optimizer_name(live.optimizer))


def optimizer_name(optimizer: Any) -> str | None:
    """Return the class of the optimizer under accelerate's wrapper, with "fused" if it is."""
    inner = getattr(optimizer, "optimizer", optimizer)
    if inner is None:
        return None
    fused = any(group.get("fused") for group in inner.param_groups)
    return f"{type(inner).__module__}.{type(inner).__name__}" + (" (fused)" if fused else "")
