"""How fast this machine reads memory, by thread count: the bound of generating tokens. In a cell's process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ..base import Adapter, Recorder

READ_BYTES = 512 * 2**20
"""Many times the size of any cache."""
WARMUP, TIMES = 2, 9


def run(adapter: Adapter, recorder: Recorder, task: Mapping[str, Any]) -> None:
    """Record bytes per second by thread count: each thread adds up its share of an array, which reads it once."""
    # Integers that are not zero: pages that were never written would all be one page.
    values = np.arange(READ_BYTES // 8, dtype=np.int64)
    found = {}
    for threads in task["thread_counts"]:
        parts = np.array_split(values, threads)
        seconds = []
        with ThreadPoolExecutor(threads) as pool:
            for _ in range(WARMUP + TIMES):
                began = time.perf_counter()
                # numpy gives up the interpreter's lock while it adds.
                list(pool.map(np.bitwise_or.reduce, parts))
                seconds.append(time.perf_counter() - began)
        found[threads] = READ_BYTES / statistics.median(seconds[WARMUP:])
    recorder.fact("read_bytes_per_second", found)
