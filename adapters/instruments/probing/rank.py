"""One process of several under torchrun: trains by a framework's own path and tells of its group. Started by path."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[3]


def main() -> None:
    """`rank.py FRAMEWORK CONFIG`: CONFIG is a NativeConfig as JSON."""
    worker = load_worker()
    adapter = worker.import_adapter(SOURCE, sys.argv[1])
    worker.import_framework(adapter, SOURCE)
    base = importlib.import_module("adapters.base")
    watching = importlib.import_module("adapters.instruments.probing.ground").Watching()
    config = base.NativeConfig(**json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
    adapter.train(config, watching)
    distributed = importlib.import_module("torch.distributed")
    together = distributed.is_initialized()
    told = {
        "rank": distributed.get_rank() if together else 0,
        "world_size": distributed.get_world_size() if together else 1,
        "backend": distributed.get_backend() if together else "none",
        "steps": len(watching.losses),
        "loss": next(reversed(watching.losses.values()), None),
    }
    sys.stdout.write("\n" + json.dumps(told) + "\n")
    sys.stdout.flush()


def load_worker() -> Any:
    """harness/worker/worker.py as a module: how it imports this project's packages is how it is done here too."""
    spec = importlib.util.spec_from_file_location("harness_worker", SOURCE / "harness" / "worker" / "worker.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
