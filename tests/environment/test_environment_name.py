"""Environments that hold something else have another name."""

from __future__ import annotations

import dataclasses

from harness.environment.environment_name import environment_name
from harness.environment.locks import lock_of
from harness.files.locations import ADAPTERS


def test_another_lock_python_or_backend_is_another_environment() -> None:
    lock = lock_of("transformers", ADAPTERS)
    changed = dataclasses.replace(lock, lock=lock_of("torchtune", ADAPTERS).lock)
    names = [
        environment_name(lock, "3.11.7", "cpu", for_gpu=False),
        environment_name(lock, "3.12.1", "cpu", for_gpu=False),
        environment_name(lock, "3.11.7", "cu130", for_gpu=False),
        environment_name(changed, "3.11.7", "cpu", for_gpu=False),
    ]
    assert len(set(names)) == len(names)
    assert all(name.startswith("transformers-") for name in names)
    assert names[0] == environment_name(lock, "3.11.7", "cpu", for_gpu=False)
