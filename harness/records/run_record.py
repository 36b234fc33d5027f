"""The record of a run: run.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pydantic

from harness.execute.worker_pool import FrameworkFacts
from harness.execute.worker_process import Start
from harness.job.experiment import Experiment
from harness.job.job import Method
from harness.machine.chip import Chip
from harness.machine.host import Host
from harness.machine.node import Node

Contents = dict[str, dict[str, str]]
"""The seals of all cells and audits of a run, by kind and name."""


def _experiment(value: Any) -> Experiment:
    if isinstance(value, Experiment):
        return value
    try:
        return Experiment.from_dict(value)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"cannot be understood ({type(error).__name__}: {error})") from error


class InputsRecord(pydantic.BaseModel):
    """What was trained on what, without paths."""

    model_config = pydantic.ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)

    model_source: str
    """where the model is from"""
    tokenizer_source: str
    """where the tokenizer is from"""
    dataset_source: str
    """where the text is from"""
    model_sha256: str
    """of the weights"""
    blocks_sha256: str
    """of the token blocks"""
    adapter_sha256: str | None
    """of the initial LoRA weights; None for full fine-tuning"""
    weight_files: tuple[str, ...] = ()
    """of the model, by name"""
    model_dtype: str = ""
    """what the checkpoint says of its weights"""
    dataset_is_stand_in: bool = False
    """whether it is another text than was asked for"""


class RunRecord(pydantic.BaseModel):
    """What was asked, on what machine, with which inputs and versions, and what was recorded."""

    model_config = pydantic.ConfigDict(extra="allow", use_attribute_docstrings=True)

    name: str
    """of its folder when it began"""
    status: str
    """running, interrupted or complete"""
    created: str
    """when it began: ISO 8601, UTC"""
    finished: str | None = None
    """when it was complete"""
    harness_version: str
    """of this program"""
    source_commit: str | None
    """of this program, in a checkout; "+changes" if its files differed"""
    command: str = ""
    """asks for the same experiment"""
    host: Host
    """the machine"""
    nodes: list[Node] = []
    """the machines of this kind that it went on over, the last one last"""
    omp_num_threads: int
    """OMP_NUM_THREADS of the workers"""
    start: Start | None
    """how processes were started: warm, cold or ahead; None before the first"""
    gpu_shared_with: str = ""
    """who used the GPU when it began, in words"""
    other_cpu_cores_at_start: float = 0.0
    """what other processes computed when it began, in cores"""
    chip: Chip | None = None
    """the ceilings of the first machine"""
    experiment: Annotated[
        Experiment,
        pydantic.PlainValidator(_experiment),
        pydantic.PlainSerializer(Experiment.as_dict, return_type=dict[str, Any]),
        pydantic.WithJsonSchema({"type": "object"}),
    ]
    """what it compares"""
    inputs: dict[Method, InputsRecord]
    """of each method"""
    frameworks: dict[str, FrameworkFacts]
    """each framework's environment, versions and start"""
    contents: Contents = {}
    """the seals of its cells and audits"""
    is_sealed: bool = pydantic.Field(default=False, exclude=True)
    """whether the file is as it was sealed; not written"""

    @property
    def ceilings(self) -> Chip:
        """Ceilings of the machine that it began on; without figures if they were not measured."""
        return self.chip or Chip()

    @property
    def is_complete(self) -> bool:
        """True if all cells that were due are recorded."""
        return self.status == "complete"

    def versions_of(self, framework: str) -> Mapping[str, str]:
        """Return the packages' versions in a framework's environment; none if it was never imported."""
        return self.frameworks[framework].versions if framework in self.frameworks else {}

    def as_recorded(self) -> dict[str, Any]:
        """Return the content of run.json as plain values."""
        return self.model_dump(mode="json", exclude_unset=True)
