"""The capabilities that a framework may have, and how an attempt may end."""

from __future__ import annotations

from typing import Literal, get_args

from harness.errors import RecipeError
from harness.files.yaml_files import nearest

Ending = Literal["works", "fails", "needs a GPU", "absent", "listed"]
ENDINGS: tuple[Ending, ...] = get_args(Ending)
"""listed: the framework names it among its options, but it was not tried. All others end an attempt."""

CAPABILITIES: dict[str, str] = {
    "full": "full fine-tuning",
    "lora": "LoRA",
    "qlora": "QLoRA (NF4)",
    "dora": "DoRA",
    "lora_8bit": "LoRA over 8-bit weights",
    "fp8": "FP8",
    "gptq": "a GPTQ model as base",
    "relora": "ReLoRA",
    "packing": "packing of documents",
    "rope_scaling": "scaled rotary embeddings",
    "gradient_checkpointing": "gradient checkpointing",
    "compile": "torch.compile",
    "chunked_cross_entropy": "chunked or fused cross entropy",
    "dpo": "DPO",
    "ppo": "PPO",
    "rlhf": "other preference and reward training",
    "resume": "going on from a checkpoint",
    "export": "safetensors that transformers loads with equal logits",
    "data_parallel": "two processes, data parallel",
    "fsdp": "FSDP",
    "deepspeed": "DeepSpeed",
    "ring_attention": "ring attention",
    "xformers": "xFormers' attention",
    "web_ui": "web UI",
    "command_line": "its own command with a config file",
    "architectures": "architectures",
    "survey": "what its package ships",
    "installation": "installing it anew",
}
"""The table's titles, by the name of the probe in adapters/<framework>/probes.py."""
INSTALLATION = "installation"
"""This program installs packages itself; no adapter has a probe for it."""
OF_ONE_FRAMEWORK = {
    "use_unsloth": ("llamafactory", "training through Unsloth"),
    "nvidia_only": ("unsloth", "NVIDIA GPUs alone"),
    "example_unsloth": ("unsloth", "the report's example, as written"),
    "example_axolotl": ("axolotl", "the report's example, as written"),
    "example_torchtune": ("torchtune", "the report's example, as written"),
    "example_llamafactory": ("llamafactory", "the report's example, as written"),
}
"""Tried only with the framework that claims it."""
NEEDS_A_GPU: Ending = "needs a GPU"
"""An adapter says this too, for what it refuses only on a CPU."""


def title_of(name: str) -> str:
    """Return what people read for a capability."""
    return CAPABILITIES.get(name) or OF_ONE_FRAMEWORK[name][1]


def capabilities_of(framework: str, chosen: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of the chosen capabilities are tried with a framework."""
    return tuple(name for name in chosen if name in CAPABILITIES or OF_ONE_FRAMEWORK[name][0] == framework)


def choose_capabilities(text: str) -> tuple[str, ...]:
    """Return the capabilities of "all" or of names with commas. Raises RecipeError."""
    known = (*CAPABILITIES, *OF_ONE_FRAMEWORK)
    if text == "all":
        return known
    names = tuple(filter(None, (word.strip() for word in text.split(","))))
    for name in names:
        if name not in known:
            problem = f"{name!r} is not one{nearest(name, known)}; known are {', '.join(known)}"
            raise RecipeError("command line", "--capabilities", problem)
    if not names:
        raise RecipeError("command line", "--capabilities", "names none")
    return names
