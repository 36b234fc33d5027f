"""The memory of a context of one size. In a cell's process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.worker.phase_peaks import PhasePeaks

from ..base import Adapter, Recorder
from .engine import Engine


def run(adapter: Adapter, recorder: Recorder, task: Mapping[str, Any]) -> None:
    """Record the peak of a context of `context_size` tokens with a prompt in it. Its whole cache is in memory then."""
    prompt = np.load(task["tokens_path"], allow_pickle=False)[0][: int(task["prompt_tokens"])].tolist()
    memory = PhasePeaks(None)
    memory.end_of_phase()
    engine = Engine(Path(task["gguf_path"]))
    with engine.context(int(task["context_size"]), int(task["threads"])) as context:
        context.decode(prompt)
    recorder.fact("peak_rss_bytes", memory.end_of_phase().get("peak_rss_bytes"))
    engine.close()
