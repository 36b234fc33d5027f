"""torch's own calls, heard by a scripted device that stands where torch.cuda would."""

from __future__ import annotations

import sys
import types

import pytest

from harness.worker.gpu_memory_limit import limit_gpu_memory


@pytest.mark.parametrize(
    ("limit_bytes", "fractions"), [(None, []), (16 * 10**9, [0.2]), (80 * 10**9, [1.0]), (90 * 10**9, [1.0])]
)
def test_the_allocator_gets_the_budgets_share_of_the_gpu(
    limit_bytes: int | None, fractions: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    cuda = types.SimpleNamespace(
        is_available=lambda: True,
        mem_get_info=lambda: (79 * 10**9, 80 * 10**9),
        set_per_process_memory_fraction=given.append,
    )
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=cuda))
    limit_gpu_memory(limit_bytes)
    assert given == fractions
