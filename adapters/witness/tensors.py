"""What a tensor holds, told so that it does not depend on its layout, device or storage."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import torch

CHUNK = 1 << 20
"""Elements at a time, so that float64 copies stay small."""


def values_of(tensor: torch.Tensor) -> torch.Tensor:
    """The numbers that a tensor stands for: 4-bit weights are turned back as their library does it."""
    if (state := getattr(tensor, "quant_state", None)) is not None:
        from bitsandbytes.functional import dequantize_4bit

        return dequantize_4bit(tensor.data, state)
    if hasattr(tensor, "get_original_weight"):
        return tensor.get_original_weight()
    return tensor.detach()


def digest(tensor: torch.Tensor) -> str:
    """The sha256 of the numbers' bytes: whether one bit changed, which no sum can tell.

    The rounding of a sum depends on how many threads took part in it, and that can differ from one call to the next.
    """
    flat = values_of(tensor).reshape(-1)
    sha256 = hashlib.sha256()
    for start in range(0, flat.numel(), CHUNK):
        sha256.update(flat[start : start + CHUNK].cpu().view(torch.uint8).numpy())
    return sha256.hexdigest()


def fingerprint(tensor: torch.Tensor) -> tuple[float, float]:
    """The Euclidean norm, and the sum weighted by the sine of the position (so that order counts); in float64.

    To within rounding the same for the same numbers in another dtype; see `digest` for the very same ones.
    """
    flat = values_of(tensor).reshape(-1)
    squares = weighted = 0.0
    for start in range(0, flat.numel(), CHUNK):
        chunk = flat[start : start + CHUNK].to(torch.float64)
        positions = torch.arange(start + 1, start + 1 + chunk.numel(), dtype=torch.float64, device=chunk.device)
        squares += float(chunk @ chunk)
        weighted += float(chunk @ torch.sin(positions))
    return math.sqrt(squares), weighted


def norm_of(tensor: torch.Tensor) -> float:
    """The Euclidean norm, in float64."""
    flat = tensor.detach().reshape(-1)
    chunks = (flat[start : start + CHUNK].to(torch.float64) for start in range(0, flat.numel(), CHUNK))
    return math.sqrt(sum(float(chunk @ chunk) for chunk in chunks))


def storage_of(tensor: torch.Tensor) -> str:
    """How a tensor is stored: a dtype, or the 4-bit format and the library that keeps it."""
    if (state := getattr(tensor, "quant_state", None)) is not None:
        nested = " with double quantization" if state.nested else ""
        return f"{state.quant_type}{nested} by bitsandbytes"
    if hasattr(tensor, "get_original_weight"):
        # torchao's NF4Tensor always quantizes its scales too.
        return "nf4 with double quantization by torchao"
    return dtype_name(tensor.dtype)


def shape_of(tensor: torch.Tensor) -> list[int]:
    """The sizes of what a tensor stands for: bitsandbytes keeps 4-bit weights flat."""
    state = getattr(tensor, "quant_state", None)
    return list(tensor.shape if state is None else state.shape)


def dtype_name(dtype: Any) -> str:
    """Like "float32"."""
    return str(dtype).removeprefix("torch.")
