"""One timed run of a GGUF file: load, prompt, generation, memory. In a cell's process, which is fresh."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.worker.phase_peaks import PhasePeaks

from ..base import Adapter, Recorder
from .engine import Context, Engine


def run(adapter: Adapter, recorder: Recorder, task: Mapping[str, Any]) -> None:
    """Record seconds until the first token, tokens per second by thread count, and peak memory."""
    threads = int(task["threads"])
    prompt: Sequence[int] = np.load(task["tokens_path"], allow_pickle=False)[0][: int(task["prompt_tokens"])].tolist()
    count = int(task["generated_tokens"])
    memory = PhasePeaks(None)
    memory.end_of_phase()
    began = time.monotonic()
    engine = Engine(Path(task["gguf_path"]))
    with engine.context(len(prompt) + 2 * count + 1, threads) as context:
        # It touches every weight, as the first token of any run does.
        context.decode(prompt[:1])
        recorder.fact("first_token_seconds", time.monotonic() - began)
        context.clear()
        began = time.monotonic()
        logits = context.decode(prompt)
        recorder.fact("prompt_tokens_per_second", len(prompt) / (time.monotonic() - began))
        rates = {}
        for number in dict.fromkeys((threads, *task["other_threads"])):
            context.use_threads(number)
            rates[number], logits = generated(context, logits, count)
        recorder.fact("generation_tokens_per_second", rates)
    recorder.fact("peak_rss_bytes", memory.end_of_phase().get("peak_rss_bytes"))
    engine.close()


def generated(context: Context, logits: Any, count: int) -> tuple[float, Any]:
    """Generate `count` tokens, the likeliest each time. Return tokens per second, and the last logits."""
    began = time.monotonic()
    for _ in range(count):
        logits = context.decode([int(logits[-1].argmax())])
    return count / (time.monotonic() - began), logits
