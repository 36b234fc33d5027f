"""Read safetensors one tensor at a time as float32, bf16 included, which numpy does not have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
LENGTH_BYTES = 8
"""Length of the number before the header, which is the header's length."""


def tensors_in(folder: Path) -> Iterator[tuple[str, Floats]]:
    """Yield name and values of every tensor of a model folder, each once. Raises ValueError for another dtype."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    else:
        names = ["model.safetensors"]
    for name in names:
        yield from _tensors(folder / name)


def _tensors(path: Path) -> Iterator[tuple[str, Floats]]:
    whole = np.memmap(path, mode="r", dtype=np.uint8)
    start = LENGTH_BYTES + int.from_bytes(whole[:LENGTH_BYTES].tobytes(), "little")
    header: dict[str, Any] = json.loads(whole[LENGTH_BYTES:start].tobytes())
    for name, described in header.items():
        if name == "__metadata__":
            continue
        begin, end = described["data_offsets"]
        yield name, _floats(whole[start + begin : start + end], described["dtype"], name).reshape(described["shape"])


def _floats(raw: npt.NDArray[np.uint8], dtype: str, name: str) -> Floats:
    if dtype == "F32":
        return raw.view(np.float32)
    if dtype == "F16":
        return raw.view(np.float16).astype(np.float32)
    if dtype == "BF16":
        return (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    raise ValueError(f"{name} is stored as {dtype}; F32, F16 and BF16 can be converted")
