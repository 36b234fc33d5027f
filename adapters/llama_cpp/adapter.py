"""llama.cpp as a worker: it trains nothing, and its tasks are modules of this folder."""

from __future__ import annotations

from harness.job.inputs import Inputs
from harness.job.job import Job

from ..base import Adapter, NativeConfig, Recorder, Unsupported, Workspace

WHY = "llama.cpp runs models and trains none"


class LlamaCppAdapter(Adapter):
    """Its environment and its imports. `configure` and `train` refuse."""

    name = "llama_cpp"
    package = "llama_cpp_python"
    modules = ("numpy", "gguf", "llama_cpp")

    def configure(self, job: Job, inputs: Inputs, workspace: Workspace) -> NativeConfig:
        raise Unsupported(WHY)

    def train(self, config: NativeConfig, recorder: Recorder) -> None:
        raise Unsupported(WHY)
