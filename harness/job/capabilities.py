"""What may be asked of a framework, and how an attempt may end."""

from __future__ import annotations

from typing import Literal, get_args

from harness.errors import RecipeError
from harness.files.yaml_files import nearest

Ending = Literal["works", "fails", "needs a GPU", "absent", "listed"]
ENDINGS: tuple[Ending, ...] = get_args(Ending)
"""listed: the framework names it among its options, and it was not tried. All others are of an attempt."""

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
"""By the name of the probe in adapters/<framework>/probes.py; the titles of the table's rows."""
INSTALLATION = "installation"
"""No probe of an adapter's: it is this program that installs."""
OF_ONE_FRAMEWORK = {
    "use_unsloth": ("llamafactory", "training through Unsloth"),
    "nvidia_only": ("unsloth", "NVIDIA GPUs alone"),
    "example_unsloth": ("unsloth", "the report's example, as written"),
    "example_axolotl": ("axolotl", "the report's example, as written"),
    "example_torchtune": ("torchtune", "the report's example, as written"),
    "example_llamafactory": ("llamafactory", "the report's example, as written"),
}
"""Asked of the one that claims it."""
NEEDS_A_GPU: Ending = "needs a GPU"
"""Also what an adapter says that refuses something on a CPU alone."""


def title_of(name: str) -> str:
    """What people read for a capability."""
    return CAPABILITIES.get(name) or OF_ONE_FRAMEWORK[name][1]


def capabilities_of(framework: str, chosen: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the chosen that are asked of a framework."""
    return tuple(name for name in chosen if name in CAPABILITIES or OF_ONE_FRAMEWORK[name][0] == framework)


def choose_capabilities(text: str) -> tuple[str, ...]:
    """ "all", or names with commas. Raises RecipeError."""
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
