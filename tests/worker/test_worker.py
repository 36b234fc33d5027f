"""What runs in every framework's environment needs nothing that is installed there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from harness.files.locations import PACKAGE
from harness.job.frameworks import CEILING, CHIP, FRAMEWORKS, LLAMA_CPP, REFERENCE

IMPORTED = """
import importlib, importlib.util, json, sys
spec = importlib.util.spec_from_file_location("worker", sys.argv[1])
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)
for framework in sys.argv[2:]:
    worker.import_adapter(framework)
for name in ("recorder", "cuda_clock", "fork_safety", "out_of_memory", "phase_peaks", "gpu_memory_limit"):
    importlib.import_module("harness.worker." + name)
ours = ("harness", "adapters", "worker", "__main__")
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules} - {*ours, *sys.stdlib_module_names})))
"""


@pytest.mark.parametrize("framework", [*FRAMEWORKS, REFERENCE, CEILING, CHIP, LLAMA_CPP])
def test_a_worker_and_its_adapter_import_the_standard_library_alone(framework: str) -> None:
    worker = str(PACKAGE / "worker" / "worker.py")
    command = [sys.executable, "-I", "-S", "-c", IMPORTED, worker, framework]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
