"""A framework whose time per step and whose memory are known exactly, for tests. Standard library only."""

from __future__ import annotations

import mmap
import time
from itertools import pairwise
from pathlib import Path

from adapters.base import Adapter, LiveJob, NativeConfig, Recorder, Workspace
from harness.job.inputs import Inputs
from harness.job.job import Job

PAGE = 4096


class OracleAdapter(Adapter):
    """Holds `held_bytes` and makes every step last `step_seconds`, and tells how long each did by its own clock.

    A machine that does something else for a moment makes a step longer; it is reported as it was, and no later step is
    shorter for it.
    """

    name = "oracle"
    package = "oracle"
    modules = ()
    environment = {"PYTHONPATH": str(Path(__file__).parents[2])}

    def __init__(self, step_seconds: float = 0.05, held_bytes: int = 0) -> None:
        self.step_seconds = step_seconds
        self.held_bytes = held_bytes

    def configure(self, job: Job, inputs: Inputs, workspace: Workspace) -> NativeConfig:
        options = {
            "steps": job.max_steps,
            "trainable_parameters": job.trainable_parameters,
            "step_seconds": self.step_seconds,
            "held_bytes": self.held_bytes,
        }
        return NativeConfig(options=options, filename="oracle.json", command="")

    def train(self, config: NativeConfig, recorder: Recorder) -> None:
        options = config.options
        recorder.fact("trainable_parameters", options["trainable_parameters"])
        recorder.fact("resident_before", resident_bytes())
        held = mmap.mmap(-1, max(PAGE, options["held_bytes"]))
        for page in range(0, options["held_bytes"], PAGE):
            held[page] = 1
        recorder.training_begins(LiveJob(model=None, optimizer=None, attention=None, canonical_name=lambda name: name))
        ends = [time.monotonic()]
        for step in range(1, options["steps"] + 1):
            due = ends[-1] + options["step_seconds"]
            time.sleep(max(0.0, due - time.monotonic() - 0.002))
            while time.monotonic() < due:
                pass
            ends.append(time.monotonic())
            recorder.step_ends()
            recorder.step_logged(step, loss=1 / step)
        recorder.fact("told_seconds", [later - earlier for earlier, later in pairwise(ends)])


def resident_bytes() -> int:
    """What this process holds now."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no VmRSS")
