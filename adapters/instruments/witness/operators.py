"""The operators that one micro-batch really called, by torch's profiler: attention, and the dtypes of matmuls."""

from __future__ import annotations

from collections import Counter
from typing import Any

from torch.profiler import ProfilerActivity, profile

MATMULS = {"aten::mm": 0, "aten::addmm": 1, "aten::bmm": 0, "aten::baddbmm": 1, "aten::_scaled_mm": 0}
"""Matmul operators, with the position of their first matrix.

The first operand of two of them is what the product is added to. It may be fp32 over bf16 matrices (Liger 0.8.1 sums
the gradient of an fp32 embedding so).
"""
DTYPES = {"float": "float32", "double": "float64", "c10::BFloat16": "bfloat16", "c10::Half": "float16"}
"""The profiler's C++ names of dtypes."""


class Operators:
    """Records operators between `start` and `stop`."""

    def __init__(self) -> None:
        self._profile = profile(activities=[ProfilerActivity.CPU], record_shapes=True)

    def start(self) -> None:
        """Begin to record, in this thread and in those of autograd."""
        self._profile.__enter__()

    def stop(self) -> dict[str, Any]:
        """Stop, and return what was called: `attention`, `attention_calls`, `matmul_dtypes` (dtype -> calls)."""
        self._profile.__exit__(None, None, None)
        # The events behind the public table lack the dtypes (torch 2.13).
        events = self._profile.profiler.kineto_results.events()
        names = Counter(event.name() for event in events)
        matmuls = Counter(
            DTYPES.get(kind, kind) for event in events if event.name() in MATMULS for kind in _kind(event)
        )
        flash = sum(count for name, count in names.items() if name.startswith("flash_attn"))
        sdpa = names["aten::scaled_dot_product_attention"]
        attention = "flash_attention_2" if flash else "sdpa" if sdpa else "eager"
        return {"attention": attention, "attention_calls": flash or sdpa, "matmul_dtypes": dict(matmuls)}


def _kind(event: Any) -> list[str]:
    """Return the dtype of a matmul's first matrix; None if the profiler does not say."""
    kind = event.dtypes()[MATMULS[event.name()]]
    return [kind] if kind else []
