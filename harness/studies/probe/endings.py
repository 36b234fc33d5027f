"""How its process ended -> how an attempt ended."""

from __future__ import annotations

import re

from harness.execute.events import facts_of
from harness.execute.watch_cell import Ended
from harness.job.capabilities import Ending

GPU_WORDS = re.compile(r"\b(cuda|gpus?|nvidia|triton|nccl|xpu|accelerator)\b|float8", re.IGNORECASE)
MOST_WORDS = 600


def ending_of(ended: Ended, *, on_gpu: bool) -> tuple[Ending, str]:
    """Return how an attempt ended, with the evidence."""
    if ended.outcome == "ok":
        return "works", str(facts_of(ended.events)["evidence"])
    reason = ended.reason.partition("; its log ends: ")[0] if ended.outcome == "crashed" else ended.reason
    kind, _, words = reason.partition(": ")
    if ended.outcome == "unsupported":
        return ("listed" if kind == "Listed" else "absent"), words[:MOST_WORDS]
    ending: Ending = "needs a GPU" if not on_gpu and GPU_WORDS.search(reason) else "fails"
    return ending, f"{ended.outcome}: {reason}"[:MOST_WORDS]
