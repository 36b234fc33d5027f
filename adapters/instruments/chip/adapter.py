"""How fast this machine multiplies matrices and copies memory: the ceilings that cells are compared with."""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from harness.job.inputs import Inputs
from harness.job.job import DTYPES, Job

from ...base import Adapter, NativeConfig, Recorder, Workspace

MATRIX_SIZES = {"cuda": 8192, "cpu": 1024}
"""Large enough to occupy the whole chip."""
COPIED_BYTES = {"cuda": 2 * 2**30, "cpu": 128 * 2**20}
"""Many times the size of any cache."""
WARMUP, TIMES = 5, 15
LAUNCHES = 2000
"""Launches of an almost empty kernel: what remains is the host's time."""


class ChipAdapter(Adapter):
    """Uses random data: multiplying zeros draws less power, and so runs at higher clocks."""

    name = "chip"
    package = "torch"
    modules = ("torch",)

    def configure(self, job: Job, inputs: Inputs, workspace: Workspace) -> NativeConfig:
        options = {
            "device": workspace.device,
            "dtype": DTYPES[job.precision],
            "size": MATRIX_SIZES[workspace.device],
            "copied_bytes": COPIED_BYTES[workspace.device],
        }
        return NativeConfig(options=options, filename="chip.json", command="")

    def train(self, config: NativeConfig, recorder: Recorder) -> None:
        import torch

        options = config.options
        device, size, copied = options["device"], options["size"], options["copied_bytes"]
        dtype = getattr(torch, options["dtype"])
        left, right, out = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(3))
        seconds = median_seconds(functools.partial(torch.mm, left, right, out=out), device)
        recorder.fact("matmul_flops_per_second", 2 * size**3 / seconds)
        source = torch.randint(0, 2**31, (copied // 4,), device=device, dtype=torch.int32)
        target = torch.empty_like(source)
        seconds = median_seconds(functools.partial(target.copy_, source), device)
        # Each byte is read once and written once.
        recorder.fact("copy_bytes_per_second", 2 * copied / seconds)
        recorder.fact("matmul_dtype", options["dtype"])
        recorder.fact("launch_seconds", launch_seconds(device))


def launch_seconds(device: str) -> float:
    """Return what a kernel launch costs the host, from Python through torch; on a CPU, what a call costs."""
    import torch

    tiny = torch.zeros(1, device=device)
    seconds = []
    for _ in range(WARMUP):
        if device == "cuda":
            torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(LAUNCHES):
            tiny.add_(1)
        # Without waiting: the device's time does not count here.
        seconds.append((time.perf_counter() - began) / LAUNCHES)
    return statistics.median(seconds)


def median_seconds(work: Callable[[], Any], device: str) -> float:
    """Return the median seconds of one call, after a warm-up; by the device's events on CUDA."""
    import torch

    for _ in range(WARMUP):
        work()
    if device != "cuda":
        seconds = []
        for _ in range(TIMES):
            began = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - began)
        return statistics.median(seconds)
    torch.cuda.synchronize()
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(TIMES + 1)]
    marks[0].record()
    for mark in marks[1:]:
        work()
        mark.record()
    torch.cuda.synchronize()
    return statistics.median(a.elapsed_time(b) / 1000 for a, b in pairwise(marks))
