"""What torchtune can do, each tried in a short job. Runs inside its environment.

What this project's Qwen3 builder lacks (DoRA, packed positions) is tried with torchtune's builders: see probe_models.
"""

from __future__ import annotations

import importlib.util
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torchtune.models
import yaml

from harness.files.locations import cache_root, importable_source

from ..base import LiveJob, Unsupported
from ..instruments.command import ran
from ..instruments.exporting.evaluation import logits_of
from ..instruments.probing.context import Listed, Probe, ProbeContext, Watching, absent, train, trains
from ..instruments.probing.inspections import compiled_graphs, computed_again, dora_layers, loss_in_chunks
from ..instruments.probing.processes import own_command
from ..instruments.probing.survey import survey
from . import example
from .components import StepLogger
from .probe_models import LORA, MODELS, SMALL, Texts, own_checkpointer, packed_texts, small


def dora(context: ProbeContext) -> str:
    model = {"_component_": "torchtune.models.qwen2.lora_qwen2", **SMALL, **LORA, "use_dora": True}
    return train(context, "lora", small(model, context, "lora"), Watching(dora_layers)).evidence()


def packing(context: ProbeContext) -> str:
    options = small({"_component_": "torchtune.models.qwen2.qwen2", **SMALL}, context)
    options["dataset"] = {"_component_": f"{MODELS}.packed_texts", "path": str(context.text_path), "packed": True}
    options["batch_size"] = 1
    path = str(context.text_path)
    documents, samples = len(Texts(None, path)), len(packed_texts(None, path))
    watching = train(context, "full", options, Watching())
    if samples >= documents:
        raise ValueError(f"{documents} documents stayed {samples} samples")
    return f"{documents} documents became {samples} samples; {watching.evidence()}"


def rope_scaling(context: ProbeContext) -> str:
    dimensions = {**SMALL, "scale_factor": 8}
    model = {"_component_": "torchtune.models.llama3_1._component_builders.llama3_1", **dimensions}

    def scaled(live: LiveJob) -> Callable[[], str]:
        kinds = {type(module).__name__ for module in live.model.modules() if "Scaled" in type(module).__name__}
        if not kinds:
            raise ValueError("the live model has no scaled rotary embeddings")
        return lambda: f"Llama 3.1's builder with scale_factor 8: {', '.join(kinds)}"

    return train(context, "full", small(model, context), Watching(scaled)).evidence()


def dpo(context: ProbeContext) -> str:
    model = {"_component_": "torchtune.models.qwen2.lora_qwen2", **SMALL, **LORA}
    options = small(model, context, "lora")
    options["dataset"] = {"_component_": f"{MODELS}.Preferences", "path": str(context.preferences_path)}
    options["loss"] = {"_component_": "torchtune.rlhf.loss.DPOLoss"}
    from omegaconf import OmegaConf

    watching = Watching()
    settings = OmegaConf.create(options)
    recipe = recipe_named("lora_dpo_single_device").LoRADPORecipeSingleDevice(settings)
    recipe.setup(settings)
    recipe._metric_logger = StepLogger(watching)
    recipe.train()
    recipe.cleanup()
    return f"recipe lora_dpo_single_device; {watching.evidence()}"


def recipe_named(name: str) -> Any:
    """Return a recipe's module, loaded from its file."""
    path = recipes() / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def recipes() -> Path:
    """Return the folder of its recipes."""
    package = importlib.util.find_spec("torchtune")
    assert package is not None and package.origin is not None
    return Path(package.origin).parent.parent / "recipes"


def options() -> dict[str, list[str]]:
    """Return every key of every config that comes with its recipes."""
    keys: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            for key, below in value.items():
                keys.add(str(key))
                collect(below)

    for path in recipes().rglob("*.yaml"):
        collect(yaml.safe_load(path.read_text(encoding="utf-8")))
    return {"its recipes' configs": sorted(keys), "its recipes": [path.stem for path in recipes().glob("*.py")]}


def rlhf(context: ProbeContext) -> str:
    words = ("dpo", "ppo", "grpo", "knowledge", "qat")
    raise Listed(f"recipes: {', '.join(name for name in options()['its recipes'] if any(w in name for w in words))}")


def architectures(context: ProbeContext) -> str:
    names = [module.name for module in pkgutil.iter_modules(torchtune.models.__path__) if module.ispkg]
    raise Listed(f"{len(names)} model families with builders: {', '.join(names)}")


def resume(context: ProbeContext) -> str:
    options = own_checkpointer(context)
    first = train(context, "full", options, Watching())
    saved = context.folder / "saved"
    saver = {
        **options["checkpointer"],
        "checkpoint_files": [str(path.relative_to(saved)) for path in sorted(saved.glob("epoch_0/*.safetensors"))],
        "recipe_checkpoint": next((str(path.relative_to(saved)) for path in saved.rglob("recipe_state.pt")), None),
    }
    again = train(context, "full", {**options, "checkpointer": saver, "resume_from_checkpoint": True}, Watching())
    if not again.losses or set(again.losses) & {1, 2}:
        raise ValueError(f"it did not go on after its second step: steps {list(again.losses)}")
    step, loss = next(iter(again.losses.items()))
    if abs(loss - first.losses[step]) > 1e-4 * first.losses[step]:
        raise ValueError(f"step {step} had loss {loss:.6f} and, without a break, {first.losses[step]:.6f}")
    return f"went on at step {step} with the loss of an unbroken run, {loss:.6f}"


def export(context: ProbeContext) -> str:
    import shutil

    from safetensors.torch import save_file

    watching = train(context, "full", {**own_checkpointer(context), "epochs": 1}, Watching())
    assert watching.live is not None
    tokens = torch.arange(100, 164).reshape(1, -1)
    with torch.no_grad():
        logits = logits_of(watching.live.model.eval(), tokens)
    save_file({"tokens": tokens, "logits": logits.float().contiguous()}, context.folder.parent / "logits.safetensors")
    exported = context.folder.parent / "exported"
    shutil.copytree(context.folder / "saved" / "epoch_0", exported)
    return f"its own checkpointer saved {', '.join(sorted(path.name for path in exported.iterdir()))[:200]}"


def distributed(context: ProbeContext) -> str:
    options = own_checkpointer(context)
    path = context.folder / "distributed.yaml"
    path.write_text(yaml.safe_dump({**options, "epochs": 1}), encoding="utf-8")
    tune = str(Path(sys.executable).parent / "tune")
    command = [tune, "run", "--nproc_per_node", "2", "full_finetune_distributed", "--config", str(path)]
    ran(command, context.folder, {"PYTHONPATH": str(importable_source(cache_root()))})
    return "recipe full_finetune_distributed trained in 2 processes (FSDP2)"


def ppo(context: ProbeContext) -> str:
    names = [name for name in options()["its recipes"] if "ppo" in name]
    if not names:
        raise Unsupported("no recipe for PPO")
    raise Listed(f"recipes: {', '.join(names)}")


def surveyed(context: ProbeContext) -> dict[str, float]:
    """Count an option of its configs as explained if some config has a comment behind it."""
    explained: dict[str, bool] = {}
    for path in recipes().rglob("*.yaml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            key, colon, rest = line.strip().partition(":")
            if colon and key.isidentifier():
                explained[key] = explained.get(key, False) or " #" in rest
    return survey("torchtune", explained.items(), [recipes()])


PROBES: dict[str, Probe] = {
    "full": trains("full"),
    "lora": trains("lora"),
    "qlora": trains("qlora"),
    "dora": dora,
    "lora_8bit": absent("8bit", options),
    "fp8": absent("fp8", options),
    "gptq": absent("gptq", options),
    "relora": absent("relora", options),
    "packing": packing,
    "rope_scaling": rope_scaling,
    "gradient_checkpointing": trains("gradient_checkpointing", inspection=computed_again),
    "compile": trains("compile", inspection=compiled_graphs),
    "chunked_cross_entropy": trains("lora", {"loss": {"num_output_chunks": 8}}, loss_in_chunks),
    "dpo": dpo,
    "rlhf": rlhf,
    "ppo": ppo,
    "resume": resume,
    "export": export,
    "data_parallel": distributed,
    "fsdp": distributed,
    "deepspeed": absent("deepspeed", options),
    "ring_attention": absent("context_parallel", options),
    "xformers": absent("xformers", options),
    "web_ui": absent("webui", options),
    "command_line": lambda context: own_command(context, "lora"),
    "architectures": architectures,
    "survey": surveyed,
    "example_torchtune": example.run,
}
