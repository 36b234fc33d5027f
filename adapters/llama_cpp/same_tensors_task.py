"""Whether two GGUF files hold the same tensors. In a cell's process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..base import Adapter, Recorder
from .gguf_tensors import GgufTensor, tensors_of

NUMBERS = {"f32": np.float32, "f16": np.float16}
"""numpy's types of what can be compared number by number."""


def run(adapter: Adapter, recorder: Recorder, task: Mapping[str, Any]) -> None:
    """Record how many tensors of two files are the same to the bit, and how far apart the others are.

    `same_tensors`, `all_tensors`: counts. `in_one_only`: names. `apart`: the largest difference, as a share of the
    tensor's largest number.
    """
    ours, theirs = (Path(task[name]) for name in ("gguf_path", "other_path"))
    tensors, others = ({one.name: one for one in tensors_of(path)} for path in (ours, theirs))
    same, apart = 0, 0.0
    for name in tensors.keys() & others.keys():
        first, second = _raw(ours, tensors[name]), _raw(theirs, others[name])
        if tensors[name].kind == others[name].kind and np.array_equal(first, second):
            same += 1
        else:
            left, right = (_numbers(raw, one) for raw, one in ((first, tensors[name]), (second, others[name])))
            largest = float(np.abs(left).max()) or 1.0
            apart = max(apart, float(np.abs(left - right).max()) / largest)
    recorder.fact("same_tensors", same)
    recorder.fact("all_tensors", len(tensors.keys() | others.keys()))
    recorder.fact("in_one_only", sorted(tensors.keys() ^ others.keys()))
    recorder.fact("apart", apart)


def _raw(path: Path, tensor: GgufTensor) -> npt.NDArray[np.uint8]:
    return np.memmap(path, mode="r", dtype=np.uint8, offset=tensor.offset, shape=(tensor.size,))


def _numbers(raw: npt.NDArray[np.uint8], tensor: GgufTensor) -> npt.NDArray[np.float32]:
    if tensor.kind == "bf16":
        return (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    if tensor.kind not in NUMBERS:
        raise ValueError(f"{tensor.name} is stored as {tensor.kind}, whose numbers are not compared")
    return raw.view(NUMBERS[tensor.kind]).astype(np.float32)
