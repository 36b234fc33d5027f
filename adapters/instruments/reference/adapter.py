"""The reference: a plain PyTorch loop with which every framework's training is compared. Not a framework."""

from __future__ import annotations

from harness.job.inputs import Inputs
from harness.job.job import Job

from ...base import Adapter, NativeConfig, Recorder, Workspace


class ReferenceAdapter(Adapter):
    """The model and loop of this folder; see its README.md."""

    name = "reference"
    package = "torch"
    modules = ("torch", "datasets", "safetensors.torch", "bitsandbytes")

    def __init__(self, variant: str = "as_asked") -> None:
        self.variant = variant

    def configure(self, job: Job, inputs: Inputs, workspace: Workspace) -> NativeConfig:
        return NativeConfig(
            options={
                "job": job.as_dict(),
                "device": workspace.device,
                "model_path": inputs.model_path,
                "weight_files": list(inputs.weight_files),
                "adapter_path": inputs.adapter_path,
                "blocks_path": inputs.blocks_path,
                "variant": self.variant,
            },
            filename="reference.json",
            command="",
        )

    def train(self, config: NativeConfig, recorder: Recorder) -> None:
        from .loop import train

        train(Job.from_dict(config.options["job"]), dict(config.options), recorder)
