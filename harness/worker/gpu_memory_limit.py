"""Inside a cell's process: let torch hold no more memory than a smaller GPU would have."""

from __future__ import annotations

import sys


def limit_gpu_memory(limit_bytes: int | None) -> None:
    """Limit torch's allocator to this much of the GPU. Beyond it torch reports out of memory, as on a smaller GPU.

    On a CPU this does nothing: the process that started this one watches its memory.
    """
    torch = sys.modules.get("torch")
    if limit_bytes is None or torch is None or not torch.cuda.is_available():
        return
    _, total = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction(min(1.0, limit_bytes / total))
