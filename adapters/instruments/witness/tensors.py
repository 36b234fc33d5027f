"""Figures of a tensor's content that do not depend on its layout, device or storage.

They stay on the device until many are read at once: each reading waits for the device.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch

CHUNK = {"cpu": 1 << 18, "cuda": 1 << 24}
"""Elements per chunk, so that float64 copies stay small: within a CPU's cache, a small part of a GPU's memory."""
VISIBLE_IN_BF16 = 2.0**-9
"""Half the least relative distance between neighbouring bf16 numbers. A smaller change may vanish."""
FIRST_ODD, SECOND_ODD = 0x9E3779B1, 0x85EBCA77
"""Any two odd numbers whose multiples spread over all bits."""


def values_of(tensor: torch.Tensor) -> torch.Tensor:
    """Return the numbers of a tensor. 4-bit weights are dequantized by their library."""
    if (state := getattr(tensor, "quant_state", None)) is not None:
        from bitsandbytes.functional import dequantize_4bit

        return dequantize_4bit(tensor.data, state)
    if hasattr(tensor, "get_original_weight"):
        return tensor.get_original_weight()
    return tensor.detach()


def read_all(figures: Mapping[str, torch.Tensor]) -> dict[str, list[float]]:
    """Return float64 figures by name, each as a list, with one transfer for all of a device."""
    if not figures:
        return {}
    rows = torch.stack([figure.to(next(iter(figures.values())).device) for figure in figures.values()]).tolist()
    return dict(zip(figures, rows, strict=True))


def digest(values: torch.Tensor) -> str:
    """Return a digest that changes with any bit, which no sum of rounded numbers does.

    On a CPU it is the sha256 of the numbers' bytes. Elsewhere it is two sums of their bits, each times an odd number of
    its position, modulo 2^64: exact in any order, and a single changed number changes both.
    """
    flat = values.reshape(-1)
    if flat.device.type == "cpu":
        sha256 = hashlib.sha256()
        for chunk in _chunks(flat):
            sha256.update(chunk.view(torch.uint8).numpy())
        return sha256.hexdigest()
    words = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[flat.element_size()]
    sums = torch.zeros(2, dtype=torch.int64, device=flat.device)
    start = 0
    for chunk in _chunks(flat.view(words)):
        places = torch.arange(start + 1, start + 1 + chunk.numel(), dtype=torch.int64, device=flat.device)
        for index, odd in enumerate((FIRST_ODD, SECOND_ODD)):
            sums[index] += (chunk.long() * ((places * odd) | 1)).sum()
        start += chunk.numel()
    return " ".join(f"{number:x}" for number in sums.tolist())


def fingerprint(values: torch.Tensor) -> torch.Tensor:
    """Return the sum of squares, and the sum weighted by the sine of the position (so that order counts); float64, [2].

    For the same numbers in another dtype it is the same to within rounding. `digest` is for exactly the same numbers.
    """
    flat = values.reshape(-1)
    sums = torch.zeros(2, dtype=torch.float64, device=flat.device)
    start = 0
    for chunk in _chunks(flat):
        wide = chunk.double()
        sines, cosines = (table[: len(wide)] for table in _waves(flat.device))
        # The sine of a sum, so that each sine is computed once.
        turned = torch.tensor(float(start), dtype=torch.float64)
        sums[0] += wide @ wide
        sums[1] += (wide @ sines) * float(turned.cos()) + (wide @ cosines) * float(turned.sin())
        start += len(wide)
    return sums


def squares_of(values: torch.Tensor) -> torch.Tensor:
    """Return the sum of squares; float64, [1]."""
    flat = values.detach().reshape(-1)
    norms = [torch.linalg.vector_norm(chunk, dtype=torch.float64) for chunk in _chunks(flat)]
    return torch.stack(norms).square().sum().reshape(1)


def change_of(now: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    """Return a change's sum of squares, and how many numbers changed: at all, and visibly in bf16; float64, [3]."""
    sums = torch.zeros(3, dtype=torch.float64, device=now.device)
    # The difference of two near numbers is exact in fp32, to which bf16 is widened.
    wide = torch.promote_types(now.dtype, torch.float32)
    for new, old in zip(_chunks(now.detach().reshape(-1)), _chunks(before.reshape(-1)), strict=True):
        start = old.to(wide)
        change = new.to(wide) - start
        sums[0] += torch.linalg.vector_norm(change, dtype=torch.float64).square()
        sums[1] += change.count_nonzero()
        sums[2] += (change.abs() > start.abs() * VISIBLE_IN_BF16).count_nonzero()
    return sums


def storage_of(tensor: torch.Tensor) -> str:
    """Return how a tensor is stored: a dtype, or the 4-bit format and its library."""
    if (state := getattr(tensor, "quant_state", None)) is not None:
        nested = " with double quantization" if state.nested else ""
        return f"{state.quant_type}{nested} by bitsandbytes"
    if hasattr(tensor, "get_original_weight"):
        # torchao's NF4Tensor always quantizes its scales too.
        return "nf4 with double quantization by torchao"
    return dtype_name(tensor.dtype)


def shape_of(tensor: torch.Tensor) -> list[int]:
    """Return a tensor's logical sizes: bitsandbytes keeps 4-bit weights flat."""
    state = getattr(tensor, "quant_state", None)
    return list(tensor.shape if state is None else state.shape)


def dtype_name(dtype: Any) -> str:
    """Return a name like "float32"."""
    return str(dtype).removeprefix("torch.")


def _chunks(flat: torch.Tensor) -> Iterator[torch.Tensor]:
    size = CHUNK.get(flat.device.type, CHUNK["cuda"])
    return (flat[start : start + size] for start in range(0, flat.numel(), size))


@functools.cache
def _waves(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return sine and cosine of each position in a chunk, counted from 1."""
    places = torch.arange(1, 1 + CHUNK.get(device.type, CHUNK["cuda"]), dtype=torch.float64, device=device)
    return places.sin(), places.cos()
