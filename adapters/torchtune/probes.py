"""What torchtune can do, each tried in a short job. Runs inside its environment.

What this project's Qwen3 builder does not have (DoRA, packed positions) is tried with torchtune's own builders at a
small size, with random weights.
"""

from __future__ import annotations

import importlib.util
import json
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torchtune.models
import yaml
from torchtune import config, training
from torchtune.datasets import PackedDataset
from torchtune.models.qwen2._convert_weights import qwen2_tune_to_hf
from torchtune.training import FullModelHFCheckpointer

from adapters.base import LiveJob, Unsupported
from adapters.probing.ground import Ground, Listed, Options, Probe, Watching, absent, train, trains
from adapters.probing.looks import compiled_graphs, computed_again, dora_layers, loss_in_chunks
from adapters.probing.processes import own_command, ran
from adapters.survey import survey
from adapters.torchtune import example
from adapters.torchtune.components import StepLogger

SMALL = {
    "vocab_size": 512,
    "num_layers": 2,
    "num_heads": 4,
    "num_kv_heads": 2,
    "embed_dim": 64,
    "intermediate_dim": 128,
    "max_seq_len": 512,
}
LORA = {
    "lora_attn_modules": ["q_proj", "v_proj"],
    "apply_lora_to_mlp": False,
    "lora_rank": 4,
    "lora_alpha": 8,
    "lora_dropout": 0.0,
}
THIS = "adapters.torchtune.probes"


class RandomWeights(FullModelHFCheckpointer):  # type: ignore[misc]
    """A checkpointer for one of torchtune's own builders, with the weights that it is made with."""

    def __init__(self, model: dict[str, Any], **_: Any) -> None:
        self.model = model

    def load_checkpoint(self) -> dict[str, Any]:
        torch.manual_seed(0)
        weights = built(self.model).state_dict()
        return {training.MODEL_KEY: {name: one for name, one in weights.items() if "lora" not in name}}

    def save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        """Save nothing."""


def built(model: dict[str, Any]) -> torch.nn.Module:
    """The model that a config says."""
    from omegaconf import OmegaConf

    module: torch.nn.Module = config.instantiate(OmegaConf.create(dict(model)))
    return module


def bytes_of(text: str) -> list[int]:
    """Text as ids below 512, without a tokenizer."""
    return list(text.encode()[:200])


class Texts(torch.utils.data.Dataset[dict[str, list[int]]]):
    """The short documents."""

    def __init__(self, tokenizer: Any, path: str) -> None:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        self.rows = [bytes_of(json.loads(line)["text"]) for line in lines]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        return {"tokens": self.rows[index], "labels": self.rows[index]}


class Preferences(torch.utils.data.Dataset[dict[str, list[int]]]):
    """The prompts with a better and a worse answer."""

    def __init__(self, tokenizer: Any, path: str) -> None:
        self.rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        row = {name: bytes_of(text) for name, text in self.rows[index].items()}
        sample = {}
        for side in ("chosen", "rejected"):
            sample[f"{side}_input_ids"] = row["prompt"] + row[side]
            sample[f"{side}_labels"] = [-100] * len(row["prompt"]) + row[side]
        return sample


def packed_texts(tokenizer: Any, path: str, packed: bool = True) -> PackedDataset:
    """The short documents in samples of 512; the recipes look for `packed` in the config."""
    return PackedDataset(Texts(tokenizer, path), max_seq_len=512, padding_idx=0)


def small(model: dict[str, Any], ground: Ground, name: str = "full") -> Options:
    """A config with one of torchtune's own builders in place of Qwen3."""
    options = ground.options(name)
    texts = {"_component_": f"{THIS}.Texts", "path": str(ground.text_path)}
    weights = {"_component_": f"{THIS}.RandomWeights", "model": model}
    return {**options, "model": model, "checkpointer": weights, "dataset": texts}


def dora(ground: Ground) -> str:
    model = {"_component_": "torchtune.models.qwen2.lora_qwen2", **SMALL, **LORA, "use_dora": True}
    return train(ground, "lora", small(model, ground, "lora"), Watching(dora_layers)).evidence()


def packing(ground: Ground) -> str:
    options = small({"_component_": "torchtune.models.qwen2.qwen2", **SMALL}, ground)
    options["dataset"] = {"_component_": f"{THIS}.packed_texts", "path": str(ground.text_path), "packed": True}
    options["batch_size"] = 1
    path = str(ground.text_path)
    documents, samples = len(Texts(None, path)), len(packed_texts(None, path))
    watching = train(ground, "full", options, Watching())
    if samples >= documents:
        raise ValueError(f"{documents} documents stayed {samples} samples")
    return f"{documents} documents became {samples} samples; {watching.evidence()}"


def rope_scaling(ground: Ground) -> str:
    dimensions = {**SMALL, "scale_factor": 8}
    model = {"_component_": "torchtune.models.llama3_1._component_builders.llama3_1", **dimensions}

    def scaled(live: LiveJob) -> Callable[[], str]:
        kinds = {type(one).__name__ for one in live.model.modules() if "Scaled" in type(one).__name__}
        if not kinds:
            raise ValueError("the live model has no scaled rotary embeddings")
        return lambda: f"Llama 3.1's builder with scale_factor 8: {', '.join(kinds)}"

    return train(ground, "full", small(model, ground), Watching(scaled)).evidence()


def dpo(ground: Ground) -> str:
    model = {"_component_": "torchtune.models.qwen2.lora_qwen2", **SMALL, **LORA}
    options = small(model, ground, "lora")
    options["dataset"] = {"_component_": f"{THIS}.Preferences", "path": str(ground.preferences_path)}
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
    """A recipe's module, loaded from its file."""
    path = recipes() / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def recipes() -> Path:
    """The folder of its recipes."""
    package = importlib.util.find_spec("torchtune")
    assert package is not None and package.origin is not None
    return Path(package.origin).parent.parent / "recipes"


def options() -> dict[str, list[str]]:
    """Every key of every config that its recipes ship with."""
    keys: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            for key, below in value.items():
                keys.add(str(key))
                collect(below)

    for path in recipes().rglob("*.yaml"):
        collect(yaml.safe_load(path.read_text(encoding="utf-8")))
    return {"its recipes' configs": sorted(keys), "its recipes": [path.stem for path in recipes().glob("*.py")]}


def rlhf(ground: Ground) -> str:
    words = ("dpo", "ppo", "grpo", "knowledge", "qat")
    raise Listed(f"recipes: {', '.join(name for name in options()['its recipes'] if any(w in name for w in words))}")


def architectures(ground: Ground) -> str:
    names = [one.name for one in pkgutil.iter_modules(torchtune.models.__path__) if one.ispkg]
    raise Listed(f"{len(names)} model families with builders: {', '.join(names)}")


def tiny_qwen2(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A checkpoint of a small Qwen2 as transformers saves it, and the builder that fits it."""
    from safetensors.torch import save_file

    model = {"_component_": "torchtune.models.qwen2.qwen2", **SMALL, "norm_eps": 1e-6, "tie_word_embeddings": True}
    torch.manual_seed(0)
    weights = qwen2_tune_to_hf(
        built(model).state_dict(),
        num_heads=SMALL["num_heads"],
        num_kv_heads=SMALL["num_kv_heads"],
        dim=SMALL["embed_dim"],
        tie_word_embeddings=True,
    )
    folder.mkdir()
    save_file({name: one.contiguous() for name, one in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    told = {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "hidden_size": SMALL["embed_dim"],
        "intermediate_size": SMALL["intermediate_dim"],
        "num_hidden_layers": SMALL["num_layers"],
        "num_attention_heads": SMALL["num_heads"],
        "num_key_value_heads": SMALL["num_kv_heads"],
        "vocab_size": SMALL["vocab_size"],
        "max_position_embeddings": SMALL["max_seq_len"],
        "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0,
        "tie_word_embeddings": True,
        "hidden_act": "silu",
        "torch_dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(told), encoding="utf-8")
    return folder, model


def own_checkpointer(ground: Ground) -> Options:
    """A full fine-tuning of the small Qwen2 through torchtune's own checkpointer: two epochs of two steps."""
    folder, model = tiny_qwen2(ground.folder / "qwen2")
    saver = {
        "_component_": "torchtune.training.FullModelHFCheckpointer",
        "checkpoint_dir": str(folder),
        "checkpoint_files": ["model.safetensors"],
        "model_type": "QWEN2",
        "output_dir": str(ground.folder / "saved"),
    }
    changed = {**small(model, ground), "checkpointer": saver, "output_dir": str(ground.folder / "saved")}
    return {**changed, "epochs": 2, "max_steps_per_epoch": 2, "save_adapter_weights_only": False}


def resume(ground: Ground) -> str:
    options = own_checkpointer(ground)
    first = train(ground, "full", options, Watching())
    saved = ground.folder / "saved"
    saver = {
        **options["checkpointer"],
        "checkpoint_files": [str(path.relative_to(saved)) for path in sorted(saved.glob("epoch_0/*.safetensors"))],
        "recipe_checkpoint": next((str(path.relative_to(saved)) for path in saved.rglob("recipe_state.pt")), None),
    }
    again = train(ground, "full", {**options, "checkpointer": saver, "resume_from_checkpoint": True}, Watching())
    if not again.losses or set(again.losses) & {1, 2}:
        raise ValueError(f"it did not go on after its second step: steps {list(again.losses)}")
    step, loss = next(iter(again.losses.items()))
    if abs(loss - first.losses[step]) > 1e-4 * first.losses[step]:
        raise ValueError(f"step {step} had loss {loss:.6f} and, without a break, {first.losses[step]:.6f}")
    return f"went on at step {step} with the loss of an unbroken run, {loss:.6f}"


def export(ground: Ground) -> str:
    import shutil

    from safetensors.torch import save_file

    watching = train(ground, "full", {**own_checkpointer(ground), "epochs": 1}, Watching())
    assert watching.live is not None
    tokens = torch.arange(100, 164).reshape(1, -1)
    with torch.no_grad():
        logits = watching.live.model.eval()(tokens)
    if isinstance(logits, list):
        logits = torch.cat(logits, dim=1)
    save_file({"tokens": tokens, "logits": logits.float().contiguous()}, ground.folder.parent / "logits.safetensors")
    kept = ground.folder.parent / "exported"
    shutil.copytree(ground.folder / "saved" / "epoch_0", kept)
    return f"its own checkpointer saved {', '.join(sorted(path.name for path in kept.iterdir()))[:200]}"


def distributed(ground: Ground) -> str:
    options = own_checkpointer(ground)
    path = ground.folder / "distributed.yaml"
    path.write_text(yaml.safe_dump({**options, "epochs": 1}), encoding="utf-8")
    tune = str(Path(sys.executable).parent / "tune")
    command = [tune, "run", "--nproc_per_node", "2", "full_finetune_distributed", "--config", str(path)]
    from adapters.probing.ground import SOURCE

    ran(command, ground.folder, {"PYTHONPATH": str(SOURCE)})
    return "recipe full_finetune_distributed trained in 2 processes (FSDP2)"


def ppo(ground: Ground) -> str:
    names = [name for name in options()["its recipes"] if "ppo" in name]
    if not names:
        raise Unsupported("no recipe for PPO")
    raise Listed(f"recipes: {', '.join(names)}")


def surveyed(ground: Ground) -> dict[str, float]:
    """An option of its configs is explained where some config has a comment behind it."""
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
    "gradient_checkpointing": trains("gradient_checkpointing", look=computed_again),
    "compile": trains("compile", look=compiled_graphs),
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
    "command_line": lambda ground: own_command(ground, "lora"),
    "architectures": architectures,
    "survey": surveyed,
    "example_torchtune": example.run,
}
