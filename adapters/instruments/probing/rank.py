"""One of several processes under torchrun: trains by a framework's path and reports its group. Started by path."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Run `rank.py WORKER FRAMEWORK CONFIG`: WORKER is the path of worker.py, CONFIG that of a NativeConfig as JSON."""
    path, framework, config_path = sys.argv[1:]
    worker = load_worker(path)
    adapter = worker.import_adapter(framework)
    worker.import_framework(adapter)
    native = importlib.import_module("harness.job.native")
    watching = importlib.import_module("harness.job.frameworks").load_instrument("probing.context").Watching()
    config = native.NativeConfig(**json.loads(Path(config_path).read_text(encoding="utf-8")))
    adapter.train(config, watching)
    distributed = importlib.import_module("torch.distributed")
    together = distributed.is_initialized()
    report = {
        "rank": distributed.get_rank() if together else 0,
        "world_size": distributed.get_world_size() if together else 1,
        "backend": distributed.get_backend() if together else "none",
        "steps": len(watching.losses),
        "loss": next(reversed(watching.losses.values()), None),
    }
    sys.stdout.write("\n" + json.dumps(report) + "\n")
    sys.stdout.flush()


def load_worker(path: str) -> Any:
    """Return worker.py as a module, whose way of importing this project's packages is used here too."""
    spec = importlib.util.spec_from_file_location("harness_worker", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
