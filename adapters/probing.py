"""What every framework's probes share. Runs inside a framework's environment; torch is imported where it is needed.

A probe really does one thing in a short job and returns what showed that it worked, in words. It raises Unsupported if
the framework has no such thing, Listed if it names it and it was not tried, and anything else if it fails.
"""

from __future__ import annotations

import copy
import dataclasses
import importlib
import importlib.util
import json
import math
import os
import re
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.base import Adapter, LiveJob, NativeConfig, Recorder, Unsupported

Options = dict[str, Any]
Look = Callable[[LiveJob], Callable[[], str]]
"""Looks at the live job before the first step, and once more after the last: what it says then is the evidence."""
RANK_SECONDS = 200
ERROR = re.compile(r"\b\w*(Error|Exception): ")
OF_LAUNCHERS = ("ChildFailedError", "CalledProcessError")
MOST_WORDS = 600
SOURCE = Path(__file__).resolve().parent.parent


class Listed(Exception):
    """The framework names it among its options; it was not tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What a probe stands on."""

    adapter: Adapter
    configs: Mapping[str, NativeConfig]
    """Native configs of short jobs: full, lora, qlora, gradient_checkpointing, compile."""
    folder: Path
    """Empty, and removed afterwards."""
    model_path: Path
    adapter_path: Path
    """A LoRA adapter that fits the model."""
    text_path: Path
    """JSON lines with a key `text`: short documents."""
    preferences_path: Path
    """JSON lines with keys `prompt`, `chosen` and `rejected`."""

    def options(self, name: str) -> Options:
        """A config's options, for the probe to change."""
        return copy.deepcopy(dict(self.configs[name].options))


Probe = Callable[[Ground], str | dict[str, float]]
"""Returns what showed that it worked, in words; or figures, of what is surveyed."""


def probe(adapter: Adapter, recorder: Recorder, request: Mapping[str, Any]) -> None:
    """Do what the controller asks, and tell the evidence as a fact."""
    probes: Mapping[str, Probe] = importlib.import_module(f"adapters.{adapter.name}.probes").PROBES
    ground = Ground(
        adapter=adapter,
        configs={name: NativeConfig(**config) for name, config in request["configs"].items()},
        folder=Path(request["folder"]),
        model_path=Path(request["model_path"]),
        adapter_path=Path(request["adapter_path"]),
        text_path=Path(request["text_path"]),
        preferences_path=Path(request["preferences_path"]),
    )
    told = probes[request["capability"]](ground)
    if isinstance(told, dict):
        recorder.fact("figures", told)
        told = ", ".join(f"{name} {value:,.0f}" for name, value in told.items())
    recorder.fact("evidence", told)


class Watching:
    """A Recorder that keeps the losses and looks at the live job."""

    def __init__(self, look: Look | None = None) -> None:
        self.look = look
        self.live: LiveJob | None = None
        self.losses: dict[int, float] = {}
        self._look_again: Callable[[], str] = lambda: ""

    def training_begins(self, live: LiveJob) -> None:
        self.live = live
        if self.look is not None:
            self._look_again = self.look(live)

    def step_ends(self) -> None:
        """Nothing is timed."""

    def step_logged(
        self, step: int, *, loss: float, grad_norm: float | None = None, learning_rate: float | None = None
    ) -> None:
        self.losses[step] = loss

    def fact(self, name: str, value: object) -> None:
        """Nothing is recorded."""

    def evidence(self) -> str:
        """What showed that it trained. Raises ValueError if it did not."""
        if not self.losses or not all(map(math.isfinite, self.losses.values())):
            raise ValueError(f"it ended without a finite loss: {self.losses}")
        losses = ", ".join(f"{loss:.4f}" for loss in self.losses.values())
        return "; ".join(filter(None, [self._look_again(), f"losses of {len(self.losses)} steps: {losses}"]))


def train(ground: Ground, name: str, options: Options, watching: Watching) -> Watching:
    """Train as a config says with other options, by the framework's own path."""
    ground.adapter.train(dataclasses.replace(ground.configs[name], options=options), watching)
    return watching


def trains(
    name: str, change: Callable[[Ground, Options], Options] | Mapping[str, Any] | None = None, look: Look | None = None
) -> Probe:
    """A probe that trains one of the short jobs, with options changed or laid over, and looks at it."""

    def trained(ground: Ground) -> str:
        options = ground.options(name)
        if callable(change):
            options = change(ground, options)
        elif change is not None:
            options = laid_over(options, change)
        return train(ground, name, options, Watching(look)).evidence()

    return trained


def laid_over(options: Mapping[str, Any], change: Mapping[str, Any]) -> Options:
    """`options` with the values of `change` in their place; mappings are merged."""
    merged = dict(options)
    for key, value in change.items():
        below = merged.get(key)
        merged[key] = laid_over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def absent(word: str, places: Callable[[], Mapping[str, Iterable[str]]]) -> Probe:
    """A probe for what is not there: looks for a word in the names of the framework's options."""

    def looked_for(ground: Ground) -> str:
        found = {place: [name for name in names if word in name.lower()] for place, names in places().items()}
        told = "; ".join(f"{place}: {', '.join(names)}" for place, names in found.items() if names)
        if told:
            raise Listed(told)
        raise Unsupported(f"no option with {word!r} in {', '.join(found)}")

    return looked_for


def without(module: str, what: str) -> Probe:
    """A probe for what needs a package that the framework neither asks for nor has."""

    def looked_for(ground: Ground) -> str:
        if importlib.util.find_spec(module) is None:
            raise Unsupported(f"{what}: it does not ask for {module}, which has it")
        raise Listed(f"{module} is installed")

    return looked_for


def lacks(what: str) -> Probe:
    """A probe for what was looked for in the installed package once and is not there; says so."""

    def told(ground: Ground) -> str:
        raise Unsupported(what)

    return told


def resumes(name: str, save: Mapping[str, Any], resume: Callable[[Options, Path], Options]) -> Probe:
    """A probe that trains three steps and saves each, goes on from the second, and compares the third."""

    def resumed(ground: Ground) -> str:
        first = train(ground, name, laid_over(ground.options(name), save), Watching())
        if len(first.losses) < 3:
            raise ValueError(f"it trained {len(first.losses)} of 3 steps")
        checkpoint = next(iter(sorted(ground.folder.rglob("checkpoint-2"))), None)
        if checkpoint is None:
            raise ValueError("it saved no checkpoint of its second step")
        options = resume(laid_over(ground.options(name), save), checkpoint)
        again = train(ground, name, options, Watching())
        if list(again.losses) != [3]:
            raise ValueError(f"it did not go on at step 3: steps {list(again.losses)}")
        if not math.isclose(first.losses[3], again.losses[3], rel_tol=1e-5):
            raise ValueError(f"its third loss was {again.losses[3]:.6f} and, without a break, {first.losses[3]:.6f}")
        return f"went on at step 3 with the loss of an unbroken run, {again.losses[3]:.6f}"

    return resumed


def exports(name: str, save: Callable[[Ground, LiveJob, Path], Path]) -> Probe:
    """A probe that trains, saves, and leaves logits beside the folder for transformers to compare its own with."""

    def exported(ground: Ground) -> str:
        import torch
        from safetensors.torch import save_file

        watching = train(ground, name, ground.options(name), Watching())
        assert watching.live is not None
        model = watching.live.model.eval()
        tokens = torch.arange(100, 164).reshape(1, -1)
        with torch.no_grad():
            output = model(tokens)
        logits = output if isinstance(output, torch.Tensor) else output.logits
        folder = save(ground, watching.live, ground.folder / "export")
        save_file(
            {"tokens": tokens, "logits": logits.float().contiguous()}, ground.folder.parent / "logits.safetensors"
        )
        kept = ground.folder.parent / "exported"
        shutil.copytree(folder, kept)
        files = sorted(path.name for path in kept.glob("*.safetensors"))
        if not files:
            raise ValueError(f"it saved no safetensors: {sorted(path.name for path in kept.iterdir())[:8]}")
        return f"saved {', '.join(files)}"

    return exported


def in_two_processes(
    name: str, change: Mapping[str, Any] | None = None, variables: Mapping[str, str] | None = None
) -> Probe:
    """A probe that trains in two processes under torchrun, through the framework's own path, on gloo or nccl."""

    def trained(ground: Ground) -> str:
        config = dataclasses.replace(ground.configs[name], options=laid_over(ground.options(name), change or {}))
        path = ground.folder / "ranks.json"
        path.write_text(json.dumps(dataclasses.asdict(config)), encoding="utf-8")
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        command += [str(SOURCE / "adapters" / "probing_rank.py"), ground.adapter.name, str(path)]
        # Or the script's folder would be importable, in which there is a package of each framework's name.
        told = ran(command, ground.folder, {"ACCELERATE_USE_CPU": "true", "PYTHONSAFEPATH": "1"})
        ranks = [json.loads(line) for line in told.splitlines() if line.startswith('{"rank"')]
        worlds = {one["world_size"] for one in ranks}
        if len(ranks) != 2 or worlds != {2}:
            raise ValueError(f"two processes did not train together: {ranks or told[-500:]}")
        return (
            f"2 processes in one group ({ranks[0]['backend']}), {ranks[0]['steps']} steps, loss {ranks[0]['loss']:.4f}"
        )

    return trained


def ran(command: list[str], folder: Path, variables: Mapping[str, str] | None = None) -> str:
    """What a command printed. Raises RuntimeError with the error it told if it failed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            **(variables or {}),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RANK_SECONDS,
        check=False,
    )
    print(done.stdout[-20000:], flush=True)
    if done.returncode:
        raise RuntimeError(first_error(done.stdout) or f"ended with status {done.returncode}")
    return done.stdout


def first_error(text: str) -> str:
    """The first line that tells of a Python error, those of launchers left out; else the last line of words.

    Where several processes train together, one fails and the others then tell that it is gone.
    """
    lines = [line.strip() for line in text.splitlines() if any(c.isalpha() for c in line)]
    told = [line for line in lines if ERROR.search(line) and not any(name in line for name in OF_LAUNCHERS)]
    return (told or lines[-1:] or [""])[0][:MOST_WORDS]


def own_command(ground: Ground, name: str) -> str:
    """A probe: the framework's own command with a config file, without this harness."""
    config = ground.configs[name]
    path = ground.folder / config.filename
    if path.suffix == ".json":
        path.write_text(json.dumps(dict(config.options)), encoding="utf-8")
    else:
        import yaml

        path.write_text(yaml.safe_dump(dict(config.options), sort_keys=False), encoding="utf-8")
    command = config.command.replace("$BIN", str(Path(sys.executable).parent)).replace("$SOURCE", str(SOURCE))
    ran(["/bin/sh", "-c", command], ground.folder)
    shown = config.command.replace("$BIN/", "").replace("$SOURCE/", "")
    return f"`{shown}` trained and ended with status 0"


def example(attempts: Sequence[tuple[str, Callable[[], str]]]) -> str:
    """A published example, as it is written and then with one change after another, until it works.

    Raises ValueError with what it takes if it does not work as it is written.
    """
    errors: list[str] = []
    for change, attempt in attempts:
        try:
            told = attempt()
        except Exception as error:
            traceback.print_exc()
            errors.append(f"{change}: {type(error).__name__}: {' '.join(str(error).split())[:250]}")
        else:
            if errors:
                raise ValueError(f"{'; '.join(errors)}; works {change}: {told}")
            return f"works {change}: {told}"
    raise ValueError("; ".join(errors))


def fields_of(kind: Any) -> list[str]:
    """Names of the fields of a dataclass or a pydantic model."""
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    return list(kind.model_fields)


# What a look sees.


def dora_layers(live: LiveJob) -> Callable[[], str]:
    """DoRA's magnitudes among the trained parameters."""

    def told() -> str:
        names = [name for name, one in live.model.named_parameters() if "magnitude" in name and one.requires_grad]
        if not names:
            raise ValueError("no magnitude vector is trained")
        return f"{len(names)} magnitude vectors are trained"

    return told


def eight_bit_layers(live: LiveJob) -> Callable[[], str]:
    """Linear layers whose weights are stored in 8 bits."""

    def told() -> str:
        layers = [one for one in live.model.modules() if type(one).__name__ == "Linear8bitLt"]
        stored = {str(layer.weight.dtype) for layer in layers}
        if stored != {"torch.int8"}:
            raise ValueError(f"weights of {len(layers)} 8-bit layers are stored as {stored or 'nothing'}")
        return f"{len(layers)} layers hold int8 weights"

    return told


def fp8_layers(live: LiveJob) -> Callable[[], str]:
    """Layers that compute in FP8: an option that is taken and ignored trains all the same."""

    def told() -> str:
        kinds = [type(one).__name__ for one in live.model.modules()]
        kinds = [kind for kind in kinds if "float8" in kind.lower() or "fp8" in kind.lower()]
        if not kinds:
            raise ValueError("the option was taken, and no layer computes in FP8")
        return f"{len(kinds)} layers are {', '.join(sorted(set(kinds)))}"

    return told


def loss_in_chunks(live: LiveJob) -> Callable[[], str]:
    """A model that returns no whole logits while it trains, or a loss function that takes them in chunks."""
    sizes: list[str] = []

    def returned(module: Any, arguments: Any, output: Any) -> None:
        if isinstance(output, list):
            sizes.append(f"{len(output)} chunks of logits")
        else:
            logits = getattr(output, "logits", None)
            numel = getattr(logits, "numel", None)
            sizes.append("whole logits" if numel is not None and numel() else "no logits")

    live.model.register_forward_hook(returned)

    def told() -> str:
        losses = {str(getattr(one, "loss_function", "")) for one in live.model.modules()}
        if named := [name for name in losses if "chunk" in name.lower()]:
            return f"its loss function: {named[0]}"
        if not sizes or "whole logits" in sizes:
            seen = sizes[0] if sizes else "no forward pass was seen"
            raise ValueError(f"nothing shows that the loss is taken in chunks: {seen}")
        return f"a forward pass in training returned {sizes[0]}"

    return told


def scaled_rope(live: LiveJob) -> Callable[[], str]:
    """The scaling of rotary embeddings in the live model's config."""

    def told() -> str:
        config = live.model.config
        rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
        kind = rope.get("rope_type", rope.get("type", "default"))
        if kind == "default":
            raise ValueError(f"the live model's rotary embeddings are not scaled: {rope}")
        return f"the live model's rotary embeddings: {kind}, factor {rope.get('factor')}"

    return told


def computed_again(live: LiveJob) -> Callable[[], str]:
    """How often a layer's attention runs while the embedding runs once."""
    import torch

    from adapters.witness.settings import attention_modules

    runs = {"embedding": 0, "attention": 0}

    def count(name: str) -> Callable[..., None]:
        def counted(*_: Any) -> None:
            runs[name] += 1

        return counted

    embedding = next(one for one in live.model.modules() if isinstance(one, torch.nn.Embedding))
    embedding.register_forward_pre_hook(count("embedding"))
    next(iter(attention_modules(live.model))).register_forward_pre_hook(count("attention"))

    def told() -> str:
        if runs["attention"] != 2 * runs["embedding"]:
            raise ValueError(f"activations are not computed again: {runs}")
        return f"a layer ran {runs['attention']} times in {runs['embedding']} forward passes"

    return told


def compiled_graphs(live: LiveJob) -> Callable[[], str]:
    """Graphs that torch.compile made."""

    def told() -> str:
        from torch._dynamo.utils import counters

        graphs = counters["stats"]["unique_graphs"]
        if not graphs:
            raise ValueError("torch.compile made no graph")
        return f"torch.compile made {graphs} graphs"

    return told


# Changed inputs.


def gptq_model(ground: Ground) -> Path:
    """The model's folder with a config that says GPTQ, as a downloaded GPTQ model's does."""
    folder = ground.folder / "gptq"
    shutil.copytree(ground.model_path, folder, copy_function=os.link)
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    quantization = {"quant_method": "gptq", "bits": 4, "group_size": 64, "desc_act": False, "sym": True}
    path.write_text(json.dumps({**config, "quantization_config": quantization}), encoding="utf-8")
    return folder


def dora_adapter(ground: Ground) -> Path:
    """The shared initial adapter's folder, with DoRA switched on."""
    folder = ground.folder / "dora"
    shutil.copytree(ground.adapter_path, folder, copy_function=shutil.copy)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "use_dora": True}), encoding="utf-8")
    return folder


YARN = {
    "rope_type": "yarn",
    "factor": 2.0,
    "rope_theta": 1000000.0,
    "original_max_position_embeddings": 40960,
}
ZERO2 = {
    "train_micro_batch_size_per_gpu": "auto",
    "gradient_accumulation_steps": "auto",
    "zero_optimization": {"stage": 2},
}
