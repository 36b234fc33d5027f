"""A GGUF file in F16 -> a quantized one, by llama.cpp. In a cell's process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base import Adapter, Recorder
from .quantize_command import quantize


def run(adapter: Adapter, recorder: Recorder, task: Mapping[str, Any]) -> None:
    """Quantize the file `gguf_path` to `quantized_path`. `type`: like q4_k_m."""
    if status := quantize(task["gguf_path"], task["quantized_path"], task["type"], int(task["threads"])):
        raise ValueError(f"llama.cpp could not quantize to {task['type']} (status {status})")
