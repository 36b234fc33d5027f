"""Ways to train another job and call it the same, most of them seen in the field; and what must give each away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.job.job import Method, Precision

Options = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cheat:
    """What is done instead of the job that was asked for."""

    name: str
    caught_by: str
    """The finding that must differ."""
    framework: str = "transformers"
    method: Method = "lora"
    precision: Precision = "fp32"
    """Of the job that was asked for."""
    few_tokens: bool = False
    """Whether the job that was asked for is tiny, since bf16 is slow on most CPUs."""
    asked: tuple[str, ...] = ()
    """Further settings of the job that was asked for."""
    job: Mapping[str, Any] = field(default_factory=dict)
    """Fields in which the trained job differs from the one that was asked for."""
    blocks: str | None = None
    """How the token blocks are spoilt; see test_cheats."""
    model_seed: int | None = None
    adapter_seed: int | None = None
    options: Callable[[Options], None] | None = None
    """A change of the framework's own config."""
    saboteur: str | None = None
    """A class of tests.audit.sabotage."""

    def __str__(self) -> str:
        more = [*(["in bf16"] if self.precision == "bf16" else []), *(f"asked {name}" for name in self.asked)]
        return ", ".join([f"{self.framework}: {self.name}", *more])


def other_job(
    name: str,
    caught_by: str,
    framework: str = "transformers",
    method: Method = "lora",
    asked: tuple[str, ...] = (),
    **job: Any,
) -> Cheat:
    return Cheat(
        name=name,
        caught_by=caught_by,
        framework=framework,
        method=method,
        asked=asked,
        few_tokens=bool(asked),
        job=job,
    )


def sabotaged(saboteur: str, caught_by: str, method: Method = "lora", asked: tuple[str, ...] = ()) -> Cheat:
    return Cheat(
        name=saboteur, caught_by=caught_by, saboteur=saboteur, method=method, asked=asked, few_tokens=bool(asked)
    )


def in_bf16(name: str, caught_by: str, **more: Any) -> Cheat:
    return Cheat(name=name, caught_by=caught_by, precision="bf16", few_tokens=True, **more)


def misconfigured(name: str, framework: str, caught_by: str, method: Method = "lora", **changes: Any) -> Cheat:
    def change(options: Options) -> None:
        for path, value in changes.items():
            *sections, key = path.split("__")
            section = options
            for part in sections:
                section = section[part]
            section[key] = value

    return Cheat(name=name, framework=framework, caught_by=caught_by, method=method, options=change)


LARGE_UPDATES = ("learning_rate=0.02",)
"""Beside weights near 1, smaller ones vanish in bf16, whoever trains."""
WITH_DROPOUT = ("lora_dropout=0.1",)
ATTENTION_ONLY = ("q_proj", "k_proj", "v_proj", "o_proj")

CHEATS = (
    # Done while training, on the quickest adapter.
    sabotaged("FrozenWeights", "trained weights change"),
    sabotaged("FrozenWeights", "trained weights change", method="full"),
    sabotaged("SkippedStep", "max_steps"),
    sabotaged("ZeroedGradient", "trained weights change"),
    sabotaged("ScaledLoss", "gradient norm at every step"),
    sabotaged("ConstantLoss", "loss at every step"),
    sabotaged("EmbeddingsTrainedToo", "frozen weights change"),
    sabotaged("LastBitOfAFrozenWeight", "frozen weights change"),
    sabotaged("DroppedLayer", "loss at every step"),
    sabotaged("ForgottenMomentum", "distance that each tensor moved"),
    sabotaged("UndoneLastUpdate", "distance that each tensor moved"),
    Cheat(name="AutocastToBf16", caught_by="precision", saboteur="AutocastToBf16", few_tokens=True),
    sabotaged("TwoLearningRates", "learning_rate"),
    sabotaged("ForgottenTokens", "sequence_length"),
    sabotaged("UnscaledAttention", "loss at every step"),
    sabotaged("CompiledLayers", "compile"),
    # The same where rounding hides more.
    in_bf16("FrozenWeights", "trained weights change", saboteur="FrozenWeights"),
    in_bf16("ScaledLoss", "gradient norm at every step", saboteur="ScaledLoss"),
    in_bf16("ForgottenTokens", "sequence_length", saboteur="ForgottenTokens"),
    in_bf16("rank 8 for 16", "lora_rank", job={"lora_rank": 8}),
    in_bf16("another model", "initial weights", model_seed=7),
    in_bf16("FrozenNorm", "gradient of each tensor", saboteur="FrozenNorm", method="full"),
    in_bf16(
        "NormAtATenth", "distance that each tensor moved", saboteur="NormAtATenth", method="full", asked=LARGE_UPDATES
    ),
    in_bf16("ForgottenMasterWeights", "trained weights change", saboteur="ForgottenMasterWeights", method="full"),
    # Another job in the same words.
    other_job("half the batch", "micro_batch_size", micro_batch_size=1),
    other_job("rank 8 for 16", "lora_rank", lora_rank=8),
    other_job("twice the alpha", "lora_alpha", lora_alpha=32),
    other_job("dropout", "lora_dropout", lora_dropout=0.1),
    other_job("twice the dropout", "lora_dropout", asked=WITH_DROPOUT, lora_dropout=0.2),
    other_job("no dropout", "lora_dropout", asked=WITH_DROPOUT, lora_dropout=0.0),
    sabotaged("SilentDropout", "lora_dropout", asked=WITH_DROPOUT),
    sabotaged("UnscaledAttention", "loss at every step", asked=WITH_DROPOUT),
    sabotaged("ScaledLoss", "gradient norm at every step", asked=WITH_DROPOUT),
    other_job("twice the alpha and dropout", "lora_alpha", asked=WITH_DROPOUT, lora_alpha=32),
    other_job("a missing target module", "target_modules", target_modules=(*ATTENTION_ONLY, "gate_proj", "up_proj")),
    other_job("another learning rate", "learning_rate", learning_rate=3e-4),
    other_job("another schedule", "lr_schedule", lr_schedule="cosine"),
    other_job("a warm-up of the learning rate", "lr_warmup_steps", lr_warmup_steps=2),
    other_job("no clipping", "max_grad_norm", method="full", max_grad_norm=0.0),
    other_job("another limit of the norm", "max_grad_norm", max_grad_norm=0.5),
    other_job("an optimizer that is not fused", "optimizer", optimizer="adamw_torch"),
    other_job("another beta", "adam_beta2", adam_beta2=0.95),
    other_job("weight decay", "weight_decay", weight_decay=0.1),
    other_job("no accumulation", "gradient_accumulation_steps", gradient_accumulation_steps=1),
    other_job("checkpointing", "gradient_checkpointing", gradient_checkpointing=True),
    other_job("fewer steps", "max_steps", max_steps=3),
    other_job("more steps", "max_steps", max_steps=5),
    other_job("eager attention", "attention", attention="eager"),
    other_job("another seed", "seed", seed=1),
    Cheat(name="not quantized", method="qlora", caught_by="quantization", job={"method": "lora"}),
    Cheat(name="quantized", method="lora", caught_by="quantization", job={"method": "qlora"}),
    Cheat(name="everything trained", method="lora", caught_by="trained parameters", job={"method": "full"}),
    Cheat(name="another model", caught_by="initial weights", model_seed=7),
    Cheat(name="another seed's adapter", caught_by="initial adapter", adapter_seed=7),
    Cheat(name="shuffled blocks", caught_by="token blocks", blocks="shuffled"),
    Cheat(name="a repeated block", caught_by="token blocks", blocks="repeated"),
    Cheat(name="padded blocks", caught_by="token blocks", blocks="padded"),
    Cheat(name="shortened blocks", caught_by="sequence_length", blocks="shortened"),
    # What each framework does by default, or what public comparisons did with it.
    misconfigured("LoRA in bf16 over 4-bit weights", "unsloth", "dtype of trained weights", "qlora", lora_dtype=None),
    misconfigured("quantized by default", "unsloth", "quantization", model__load_in_4bit=True),
    misconfigured("another learning rate", "unsloth", "learning_rate", training_arguments__learning_rate=1e-4),
    other_job("rank 8 for 16", "lora_rank", framework="unsloth", lora_rank=8),
    misconfigured("shuffled by default", "axolotl", "token blocks", curriculum_sampling=None),
    misconfigured("half the batch", "axolotl", "micro_batch_size", micro_batch_size=1),
    misconfigured("another schedule", "axolotl", "lr_schedule", lr_scheduler="linear"),
    misconfigured("no clipping", "axolotl", "max_grad_norm", max_grad_norm=0.0),
    misconfigured("no clipping by default", "torchtune", "max_grad_norm", clip_grad_norm=None),
    misconfigured("shuffled by default", "torchtune", "token blocks", shuffle=True),
    misconfigured("checkpointing", "torchtune", "gradient_checkpointing", enable_activation_checkpointing=True),
    other_job("LoRA on attention only", "target_modules", framework="torchtune", target_modules=ATTENTION_ONLY),
    misconfigured("shuffled by default", "llamafactory", "token blocks", disable_shuffling=False),
    misconfigured(
        "checkpointing by default", "llamafactory", "gradient_checkpointing", disable_gradient_checkpointing=False
    ),
    misconfigured("its own optimizer settings", "llamafactory", "adam_beta2", adam_beta2=0.95),
)
