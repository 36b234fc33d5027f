"""NF4 as the two common libraries round it: the values of a 4-bit weight, in the dtype of the weights."""

from __future__ import annotations

import torch

BLOCK = 64
SCALES_PER_GROUP = 256
TORCHAO_DECIMALS = 4
"""Decimals of torchao 0.15's code book."""
CHUNK_ROWS = 1 << 18
"""Blocks that are compared with all 16 codes at a time."""


def as_bitsandbytes(tensor: torch.Tensor) -> torch.Tensor:
    """Return the values by the library itself, with double quantization."""
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    packed, state = quantize_4bit(tensor, quant_type="nf4", compress_statistics=True)
    values: torch.Tensor = dequantize_4bit(packed, state)
    return values


def as_torchao(tensor: torch.Tensor) -> torch.Tensor:
    """Return the values, computed here in the dtype of the weights (the difference from bitsandbytes).

    Each element is the nearest of 16 codes times its block's scale. The scales are kept in 8 bits, in even steps around
    their mean, with a step size per 256 of them.
    """
    from bitsandbytes.functional import get_4bit_type

    codes = get_4bit_type("nf4", device="cpu").round(decimals=TORCHAO_DECIMALS).to(tensor.device, tensor.dtype)
    blocks = tensor.reshape(-1, BLOCK)
    scales = blocks.abs().amax(dim=1, keepdim=True)
    mean = scales.mean()
    groups = (scales - mean).reshape(-1, SCALES_PER_GROUP)
    steps_per_unit = 256 / (2 * groups.abs().amax(dim=1, keepdim=True))
    steps = (groups * steps_per_unit).round().clamp(-128, 127).to(torch.int8)
    rounded_scales = ((steps / steps_per_unit).to(tensor.dtype) + mean).reshape(-1, 1)
    return (codes[nearest(blocks / scales, codes)] * rounded_scales).reshape(tensor.shape)


def nearest(values: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """Return the index of each value's nearest code, the first of equally near ones.

    Distances are computed in the dtype of the weights.
    """
    if values.dtype == torch.bfloat16:
        # There are only 65,536 such numbers: each is compared with the codes once.
        every = torch.arange(-(1 << 15), 1 << 15, device=values.device).to(torch.int16).view(torch.bfloat16)
        of_every = every.unsqueeze(-1).sub(codes).abs().argmin(dim=-1)
        return of_every[values.contiguous().view(torch.int16).long() + (1 << 15)]
    chunks = values.split(CHUNK_ROWS)
    return torch.cat([some.unsqueeze(-1).sub(codes).abs().argmin(dim=-1) for some in chunks])
