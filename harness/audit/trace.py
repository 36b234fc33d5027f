"""The trace of an audited process: the file that adapters/instruments/witness writes, checked when it is read."""

from __future__ import annotations

from pathlib import Path

import pydantic

from harness.errors import AuditError

Values = tuple[float, float]
"""A tensor's norm and its position-weighted sum. Equal tensors have equal values to within rounding."""


class _Seen(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class MicroBatch(_Seen):
    """One forward pass, observed where the embedding reads the tokens."""

    step: int
    """Its optimizer step, counted from 1."""
    blocks: tuple[str, ...]
    """sha256 of each row's tokens as int64."""
    length: int
    layer_runs: int
    """How often decoder layers ran, summed over all layers: twice each if activations are recomputed."""
    dropout_runs: int = 0
    """How often the dropout of LoRA layers ran, summed over all layers."""


class Clip(_Seen):
    """One call of torch's clip_grad_norm_."""

    max_norm: float
    norm: float
    """The norm before clipping."""


class OptimizerGroup(_Seen):
    """The hyperparameters with which an optimizer stepped."""

    learning_rate: float
    beta1: float | None
    beta2: float | None
    epsilon: float | None
    weight_decay: float | None
    matrices: int
    """How many of the group's parameters have more than one dimension."""


class OptimizerSeen(_Seen):
    """The optimizer that stepped. `class` is its full name."""

    name: str = pydantic.Field(alias="class")
    fused: bool
    groups: tuple[OptimizerGroup, ...]


class Logged(_Seen):
    """The framework's figures for a step."""

    loss: float
    grad_norm: float | None


class StepSeen(_Seen):
    """One optimizer step, observed as torch's optimizer began it."""

    step: int
    grad_norm: float
    """Norm of all gradients with which the optimizer steps: after clipping."""
    clip: Clip | None
    optimizer: OptimizerSeen
    logged: Logged | None


class TensorSeen(_Seen):
    """One parameter, before and after training."""

    name: str
    shape: tuple[int, ...]
    storage: str
    trainable: bool
    values: Values
    digest: str | None = None
    """For a frozen tensor: digest of its bits before training."""
    digest_after: str | None = None
    change_norm: float | None = None
    moved: int | None = None
    """For a trained tensor: how many of its numbers changed."""
    moved_in_bf16: int | None = None
    """How many numbers changed by more than half the distance to a neighbouring bf16 number."""
    gradient_norm: float | None = None
    """At the last observed step."""
    gradient_dtype: str | None = None
    state_dtypes: tuple[str, ...] = ()

    @property
    def elements(self) -> int:
        """How many numbers the tensor holds."""
        count = 1
        for size in self.shape:
            count *= size
        return count


class LoraLayer(_Seen):
    """A linear layer with LoRA; `scaling` is alpha / rank."""

    name: str
    rank: int
    scaling: float
    dropout: float


class OperatorsSeen(_Seen):
    """The operators that the first micro-batch called."""

    attention: str
    attention_calls: int
    matmul_dtypes: dict[str, int]


class Trace(_Seen):
    """Everything that was observed in an audited process."""

    micro_batches: tuple[MicroBatch, ...]
    steps: tuple[StepSeen, ...]
    tensors: tuple[TensorSeen, ...]
    operators: OperatorsSeen | None
    """None if the model was compiled: the profiler would change what it observes."""
    went_on: bool
    """True if the framework began a step beyond the last one asked for."""
    left_out: tuple[int, int] | None = None
    """How many inputs LoRA's dropout left out, and of how many; None without dropout."""
    lora_layers: tuple[LoraLayer, ...]
    compiled: bool
    world_size: int
    initial_seed: int

    @property
    def trained(self) -> tuple[TensorSeen, ...]:
        """The parameters that get gradients."""
        return tuple(tensor for tensor in self.tensors if tensor.trainable)

    @property
    def frozen(self) -> tuple[TensorSeen, ...]:
        """The parameters that get no gradients."""
        return tuple(tensor for tensor in self.tensors if not tensor.trainable)


def read_trace(path: Path) -> Trace:
    """Return the trace in a file. Raises AuditError if the file is missing or is no trace."""
    try:
        return Trace.model_validate_json(path.read_bytes())
    except OSError as error:
        raise AuditError("the audited process left no trace") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise AuditError(f"the audited process left a trace that cannot be read: {key}: {first['msg']}") from error
