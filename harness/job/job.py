"""The vocabulary of a training job. The controller and every framework's environment share it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Method = Literal["lora", "qlora", "full"]
Precision = Literal["fp32", "bf16"]
LrSchedule = Literal["constant", "linear", "cosine"]
Attention = Literal["sdpa", "eager", "flash_attention_2"]

METHODS: tuple[Method, ...] = get_args(Method)
DTYPES: Mapping[Precision, str] = {"fp32": "float32", "bf16": "bfloat16"}
"""torch's names of the precisions."""
TEXT_COLUMN = "text"
"""The column's name in FineWeb-Edu and in most datasets."""
RANDOM_MODEL = "random"
"""Names a model of the job's shape with seeded random weights."""

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The linear layers of a Qwen3 block, by their usual names."""


class JobError(ValueError):
    """An impossible value of a job. `key` names it and `allowed` says what is possible."""

    def __init__(self, key: str, value: object, allowed: str) -> None:
        super().__init__(f"{key} = {value!r}: {allowed}")
        self.key = key
        self.value = value
        self.allowed = allowed


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelShape:
    """The dimensions of a Qwen3 decoder, by the names of its config.json."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    vocab_size: int
    max_position_embeddings: int
    rms_norm_eps: float
    rope_theta: float
    tie_word_embeddings: bool

    def __post_init__(self) -> None:
        for name in (
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "num_key_value_heads",
            "head_dim",
            "vocab_size",
            "max_position_embeddings",
        ):
            _at_least(f"shape.{name}", getattr(self, name), 1)
        for name in ("rms_norm_eps", "rope_theta"):
            _above_zero(f"shape.{name}", getattr(self, name))
        if self.num_attention_heads % self.num_key_value_heads:
            raise JobError(
                "shape.num_key_value_heads",
                self.num_key_value_heads,
                f"must divide num_attention_heads ({self.num_attention_heads})",
            )
        if self.head_dim % 2:
            raise JobError("shape.head_dim", self.head_dim, "must be even (rotary embeddings turn pairs)")

    @property
    def parameters(self) -> int:
        """Count of parameters. A tied embedding counts once (checked against 596,049,920 for 0.6B)."""
        query = self.num_attention_heads * self.head_dim
        key_value = self.num_key_value_heads * self.head_dim
        layer = (
            2 * self.hidden_size * query
            + 2 * self.hidden_size * key_value
            + 3 * self.hidden_size * self.intermediate_size
            + 2 * self.hidden_size
            + 2 * self.head_dim
        )
        embeddings = self.vocab_size * self.hidden_size * (1 if self.tie_word_embeddings else 2)
        return self.num_hidden_layers * layer + embeddings + self.hidden_size


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Every knob that changes speed, memory or loss. An adapter translates each one, or refuses the job."""

    model: str
    """A hub id, a local folder, or "random" for seeded random weights of `shape`."""
    model_revision: str | None
    """The commit of the hub's model."""
    shape: ModelShape
    dataset: str
    """A hub id, or a local parquet, JSONL or text file, or a folder of them."""
    text_column: str = TEXT_COLUMN
    """Name of the text's column in the dataset's tables or lines."""
    dataset_config: str | None
    """The part of the hub's dataset."""
    dataset_revision: str | None
    """The commit of the hub's dataset."""

    sequence_length: int
    """Tokens of a sequence."""
    micro_batch_size: int
    """Sequences of a forward pass."""
    gradient_accumulation_steps: int
    """Micro batches of an optimizer step."""
    max_steps: int
    """Optimizer steps, warm-up included."""
    warmup_steps: int
    """Leading optimizer steps that are left out of the steady figures. More are left out if the data show a longer
    warm-up.
    """

    method: Method
    lora_rank: int
    """Rank of the LoRA matrices."""
    lora_alpha: int
    """LoRA's update is scaled by this over the rank."""
    lora_dropout: float
    """Share of the inputs of LoRA that are left out."""
    target_modules: tuple[str, ...]
    """Linear layers that LoRA adapts."""
    precision: Precision
    """bf16: weights and arithmetic, without fp32 copies, where the framework can."""

    optimizer: Literal["adamw_torch_fused", "adamw_torch"]
    """AdamW, fused or not."""
    learning_rate: float
    """The largest of the schedule."""
    adam_beta1: float
    """Decay of the first moment."""
    adam_beta2: float
    """Decay of the second moment."""
    adam_epsilon: float
    """Is added to the root of the second moment."""
    weight_decay: float
    """Of matrices; norm weights do not decay."""
    lr_schedule: LrSchedule
    """Course of the learning rate."""
    lr_warmup_steps: int
    """Steps in which the learning rate rises."""
    max_grad_norm: float
    """The gradient's norm is clipped to this; 0 means no clipping."""

    gradient_checkpointing: bool
    """Compute activations again instead of keeping them."""
    compile: bool
    """Compile the model by torch.compile."""
    attention: Attention
    """Kind of attention kernel."""
    world_size: int
    """Processes that train together."""
    seed: int
    """Of the weights, the adapter and the jobs."""

    def __post_init__(self) -> None:
        # One job has one hash: -0.0 clips like 0.0, and the order of layers does not matter.
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and value == 0:
                object.__setattr__(self, field.name, 0.0)
        known = [name for name in PROJECTIONS if name in self.target_modules]
        if len(known) == len(self.target_modules):
            object.__setattr__(self, "target_modules", tuple(known))
        for name in (
            "sequence_length",
            "micro_batch_size",
            "gradient_accumulation_steps",
            "max_steps",
            "lora_rank",
            "lora_alpha",
        ):
            _at_least(name, getattr(self, name), 1)
        for name in ("warmup_steps", "lr_warmup_steps", "seed"):
            _at_least(name, getattr(self, name), 0)
        for name in ("learning_rate", "adam_epsilon"):
            _above_zero(name, getattr(self, name))
        for name in ("weight_decay", "max_grad_norm"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise JobError(name, getattr(self, name), "must be a finite number, 0 or more")
        for name in ("lora_dropout", "adam_beta1", "adam_beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise JobError(name, getattr(self, name), "must be at least 0 and below 1")
        if self.seed >= 2**32:
            raise JobError("seed", self.seed, "must be below 2**32")
        if self.sequence_length < 2:
            raise JobError("sequence_length", self.sequence_length, "must be at least 2 (a token predicts the next)")
        if self.sequence_length > self.shape.max_position_embeddings:
            raise JobError(
                "sequence_length",
                self.sequence_length,
                f"must be at most the model's max_position_embeddings ({self.shape.max_position_embeddings})",
            )
        if self.warmup_steps >= self.max_steps:
            raise JobError("warmup_steps", self.warmup_steps, f"must be below max_steps ({self.max_steps})")
        if self.world_size != 1:
            raise JobError("world_size", self.world_size, "must be 1: runs over several devices are not built yet")
        unknown = [name for name in self.target_modules if name not in PROJECTIONS]
        if unknown or not self.target_modules:
            raise JobError("target_modules", list(self.target_modules), f"must be some of {', '.join(PROJECTIONS)}")
        if len(set(self.target_modules)) < len(self.target_modules):
            raise JobError("target_modules", list(self.target_modules), "names a layer twice")

    @property
    def tokens_per_step(self) -> int:
        """Tokens of the blocks that one optimizer step consumes, on all devices."""
        return self.sequence_length * self.micro_batch_size * self.gradient_accumulation_steps * self.world_size

    @property
    def blocks(self) -> int:
        """Blocks of sequence_length tokens that the whole job consumes."""
        return self.max_steps * self.micro_batch_size * self.gradient_accumulation_steps * self.world_size

    def learning_rate_at(self, step: int) -> float:
        """Return the rate of optimizer step `step`, from 1, by transformers' constant, linear and cosine schedules."""
        done = step - 1
        if done < self.lr_warmup_steps:
            return self.learning_rate * done / self.lr_warmup_steps
        progress = (done - self.lr_warmup_steps) / max(1, self.max_steps - self.lr_warmup_steps)
        if self.lr_schedule == "linear":
            return self.learning_rate * max(0.0, 1.0 - progress)
        if self.lr_schedule == "cosine":
            return self.learning_rate * max(0.0, 0.5 * (1.0 + math.cos(math.pi * progress)))
        return self.learning_rate

    @property
    def uses_lora(self) -> bool:
        """True if only a LoRA adapter is trained."""
        return self.method != "full"

    @property
    def quantization(self) -> str:
        """How the frozen base weights are stored: "nf4" with double quantization for QLoRA, else "none"."""
        return "nf4" if self.method == "qlora" else "none"

    @property
    def trainable_parameters(self) -> int:
        """Count of parameters that the method trains."""
        if not self.uses_lora:
            return self.shape.parameters
        sizes = projection_sizes(self.shape)
        per_layer = sum(self.lora_rank * sum(sizes[name]) for name in self.target_modules)
        return per_layer * self.shape.num_hidden_layers

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `from_dict` reads them."""
        values = {**dataclasses.asdict(self), "target_modules": list(self.target_modules)}
        if self.text_column == TEXT_COLUMN:
            # Older results lack this key: a job keeps its hash.
            del values["text_column"]
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Job:
        """Return the job that `as_dict` wrote."""
        return cls(
            **{
                **values,
                "shape": ModelShape(**values["shape"]),
                "target_modules": tuple(values["target_modules"]),
            }
        )

    @property
    def sha256(self) -> str:
        """Hash of all values. Two cells have the same job exactly if these hashes are equal."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()


def projection_sizes(shape: ModelShape) -> dict[str, tuple[int, int]]:
    """Return (inputs, outputs) of each linear layer of a block, by its name in PROJECTIONS."""
    query = shape.num_attention_heads * shape.head_dim
    key_value = shape.num_key_value_heads * shape.head_dim
    return {
        "q_proj": (shape.hidden_size, query),
        "k_proj": (shape.hidden_size, key_value),
        "v_proj": (shape.hidden_size, key_value),
        "o_proj": (query, shape.hidden_size),
        "gate_proj": (shape.hidden_size, shape.intermediate_size),
        "up_proj": (shape.hidden_size, shape.intermediate_size),
        "down_proj": (shape.intermediate_size, shape.hidden_size),
    }


def _at_least(key: str, value: int, least: int) -> None:
    if value < least:
        raise JobError(key, value, f"must be a whole number, {least} or more")


def _above_zero(key: str, value: float) -> None:
    if not 0 < value < float("inf"):
        raise JobError(key, value, "must be a finite number above 0")
