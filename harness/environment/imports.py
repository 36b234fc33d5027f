"""Import a framework once in a new environment, as its worker will."""

from __future__ import annotations

import subprocess
import tempfile

from harness.environment.environment import Environment, variables_for_a_python
from harness.files.locations import ADAPTERS
from harness.job.frameworks import load_adapter

IMPORT = "import importlib, sys\nsys.path += sys.argv[1:2]\nfor name in sys.argv[2:]: importlib.import_module(name)"


def import_once(environment: Environment) -> str:
    """Return why the framework cannot be imported; empty if it can.

    This lets Python compile what is imported. A process that compiles holds some 90 MB more afterwards, so the cells of
    a first run would otherwise show more memory than those of later runs. To compile all that is installed would take
    minutes.
    """
    adapter = load_adapter(environment.framework)
    variables = {**variables_for_a_python(), **adapter.environment, **adapter.cpu_environment}
    variables |= {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONNOUSERSITE": "1"}
    if environment.overlay is not None:
        variables["PYTHONPATH"] = str(environment.overlay)
    with tempfile.TemporaryDirectory() as scratch:
        stand_ins = adapter.stand_in_folder(ADAPTERS) or scratch
        command = [str(environment.python), "-c", IMPORT, stand_ins, *adapter.modules]
        done = subprocess.run(command, env=variables, cwd=scratch, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"])[-1][-300:]
