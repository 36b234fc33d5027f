"""What a GGUF file holds, and whether llama.cpp splits text into the same tokens. In a cell's process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base import Adapter, Recorder
from .engine import Engine
from .gguf_tensors import tensors_of

EMBEDDING, HEAD = "token_embd.weight", "output.weight"


def run(adapter: Adapter, recorder: Recorder, task: Mapping[str, Any]) -> None:
    """Record the tensor types, the bytes that each token reads, and the ids of the texts in `texts`."""
    path = Path(task["gguf_path"])
    tensors = list(tensors_of(path))
    sizes = {tensor.name: tensor.size for tensor in tensors}
    kinds = Counter(tensor.kind for tensor in tensors)
    whole = sum(sizes.values())
    # A tied embedding is the head too, and every token reads it whole. Otherwise a token reads one row of it.
    recorder.fact("bytes_per_token", whole - sizes[EMBEDDING] if HEAD in sizes else whole)
    recorder.fact("tensor_types", dict(sorted(kinds.items())))
    engine = Engine(path, vocabulary_only=True)
    recorder.fact("token_ids", [engine.tokenize(text) for text in task["texts"]])
    engine.close()
