"""Inside a cell's process: let torch hold no more on a GPU than a smaller one would have."""

from __future__ import annotations

import sys


def limit_gpu_memory(limit_bytes: int | None) -> None:
    """Give torch's allocator this much of the GPU; beyond it, it says that memory ran out, as on a smaller GPU.

    On a CPU nothing is done here: whoever started the process watches what it holds.
    """
    torch = sys.modules.get("torch")
    if limit_bytes is None or torch is None or not torch.cuda.is_available():
        return
    _, total = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction(min(1.0, limit_bytes / total))
