"""When an environment gets the pins of on_gpu.txt."""

from __future__ import annotations

import functools


@functools.cache
def is_for_gpu(torch_backend: str) -> bool:
    """True if an environment is to hold packages that only run on a GPU."""
    from harness.machine.gpu import gpu_is_present

    return torch_backend.startswith("cu") or (torch_backend == "default" and gpu_is_present())
