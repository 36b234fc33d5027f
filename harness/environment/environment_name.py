"""The name of a built environment: a digest of everything that it follows from."""

from __future__ import annotations

import hashlib
import platform

from harness.environment.locks import Lock


def environment_name(lock: Lock, python_version: str, torch_backend: str, *, for_gpu: bool) -> str:
    """Return the name. Another lock, Python, machine or torch backend is another environment."""
    files = (lock.lock, lock.overrides, *lock.requirement_files(for_gpu=for_gpu)[1:])
    texts = [path.read_text(encoding="utf-8") for path in files]
    parts = [*texts, *lock.build_settings(), python_version, torch_backend, platform.system(), platform.machine()]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return f"{lock.framework}-{digest[:12]}"
