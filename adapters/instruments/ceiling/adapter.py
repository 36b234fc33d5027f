"""The ceiling: how fast plain PyTorch trains the job here with nothing in its way. Not a framework."""

from __future__ import annotations

from harness.job.inputs import Inputs
from harness.job.job import Job

from ...base import Adapter, NativeConfig, Recorder, Workspace
from ..reference.adapter import ReferenceAdapter

LOSS_CHUNKS = 8


class CeilingAdapter(Adapter):
    """The model of adapters/instruments/reference with the loop and cross entropy of this folder; see its README.md."""

    name = "ceiling"
    package = "torch"
    modules = ("torch", "datasets", "safetensors.torch", "bitsandbytes")
    notes = ("not a framework: plain PyTorch without a Trainer, as the practical limit of this machine",)

    def configure(self, job: Job, inputs: Inputs, workspace: Workspace) -> NativeConfig:
        shared = ReferenceAdapter().configure(job, inputs, workspace)
        return NativeConfig(options={**shared.options, "loss_chunks": LOSS_CHUNKS}, filename="ceiling.json", command="")

    def train(self, config: NativeConfig, recorder: Recorder) -> None:
        from .loop import train

        train(Job.from_dict(config.options["job"]), dict(config.options), recorder)
