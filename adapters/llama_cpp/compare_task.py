"""What quantization costs: a GGUF file's loss, KL divergence and top tokens on held-out blocks. In a cell's process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..base import Adapter, Recorder
from .engine import TOKENS_AT_ONCE, Engine


def run(adapter: Adapter, recorder: Recorder, task: Mapping[str, Any]) -> None:
    """Record the loss over all blocks, and the distance from the logits in `logits_path` over their tokens."""
    blocks = np.load(task["tokens_path"], allow_pickle=False)
    expected = np.load(task["logits_path"], mmap_mode="r", allow_pickle=False)
    engine = Engine(Path(task["gguf_path"]))
    losses, divergences, same_top, apart = [], [], [], 0.0
    with engine.context(blocks.shape[1], int(task["threads"]), exact=True) as context:
        for block, logits_before in zip(blocks, expected, strict=True):
            context.clear()
            for start in range(0, len(block), TOKENS_AT_ONCE):
                tokens = block[start : start + TOKENS_AT_ONCE]
                logits = context.decode(tokens.tolist(), every_logit=True)
                logs = log_probabilities(logits)
                targets = block[start + 1 : start + 1 + len(tokens)]
                losses.append(-logs[np.arange(len(targets)), targets])
                if len(before := logits_before[start : start + len(tokens)]):
                    there = logs[: len(before)]
                    reference = log_probabilities(before)
                    divergences.append((np.exp(reference) * (reference - there)).sum(axis=1, dtype=np.float64))
                    same_top.append(before.argmax(axis=1) == there.argmax(axis=1))
                    apart = max(apart, float(np.abs(logits[: len(before)] - before).max()))
    engine.close()
    recorder.fact("loss", float(np.concatenate(losses).mean()))
    recorder.fact("kl_divergence", float(np.concatenate(divergences).mean()))
    recorder.fact("same_top_token", float(np.concatenate(same_top).mean()))
    recorder.fact("logits_apart", apart / float(np.abs(expected).max()))


def log_probabilities(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the logarithms of the softmax, [tokens, vocabulary]. Sums are in float64."""
    near = logits - logits.max(axis=1, keepdims=True)
    total = np.exp(near).sum(axis=1, keepdims=True, dtype=np.float64)
    found: npt.NDArray[np.float32] = near - np.log(total).astype(np.float32)
    return found
