"""What LLaMA-Factory can do, each tried in a short job. Runs inside its environment."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from llamafactory import hparams

from ..instruments.command import first_error, ran
from ..instruments.probing.changes import ZERO2, gptq_model
from ..instruments.probing.checkpoints import exports, resumes
from ..instruments.probing.context import (
    Listed,
    Options,
    Probe,
    ProbeContext,
    Watching,
    absent,
    fields_of,
    train,
    trains,
)
from ..instruments.probing.hf_probes import FSDP, SAVE_EACH_STEP, saved_by_itself
from ..instruments.probing.inspections import (
    compiled_graphs,
    computed_again,
    dora_layers,
    eight_bit_layers,
    fp8_layers,
    loss_in_chunks,
    scaled_rope,
)
from ..instruments.probing.processes import own_command
from ..instruments.probing.survey import explained_fields, survey
from . import example

ARGUMENTS = ("ModelArguments", "DataArguments", "FinetuningArguments", "TrainingArguments")
WEB_SECONDS = 120
STAND_INS = str(Path(__file__).parent / "stand_ins")
DATA = {
    "text": {"file_name": "text.jsonl", "columns": {"prompt": "text"}},
    "preferences": {
        "file_name": "preferences.jsonl",
        "ranking": True,
        "columns": {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"},
    },
}


def options() -> dict[str, list[str]]:
    """Return the keys of its config file."""
    return {name: fields_of(getattr(hparams, name)) for name in ARGUMENTS}


def fresh_lora(options: Options) -> Options:
    """Drop the shared initial adapter, which is no DoRA."""
    return {key: value for key, value in options.items() if key != "adapter_name_or_path"}


def with_dora(context: ProbeContext, options: Options) -> Options:
    return {**fresh_lora(options), "use_dora": True}


def on_gptq(context: ProbeContext, options: Options) -> Options:
    return {**options, "model_name_or_path": str(gptq_model(context))}


def from_files(context: ProbeContext, dataset: str, stage: str) -> Options:
    """Return a job over one of its data sets in place of the prepared blocks."""
    folder = context.folder / "data"
    folder.mkdir()
    (folder / "dataset_info.json").write_text(json.dumps(DATA), encoding="utf-8")
    for source in (context.text_path, context.preferences_path):
        os.link(source, folder / source.name)
    changed = {key: value for key, value in fresh_lora(context.options("lora")).items() if key != "tokenized_path"}
    return {**changed, "dataset_dir": str(folder), "dataset": dataset, "stage": stage, "cutoff_len": 256}


def packing(context: ProbeContext) -> str:
    changed = {**from_files(context, "text", "pt"), "packing": True}
    watching = train(context, "lora", changed, Watching())
    return f"documents packed into samples of 256 tokens; {watching.evidence()}"


def dpo(context: ProbeContext) -> str:
    return train(context, "lora", from_files(context, "preferences", "dpo"), Watching()).evidence()


def stages() -> list[str]:
    """Name the stages that it knows."""
    (field,) = (field for field in dataclasses.fields(hparams.FinetuningArguments) if field.name == "stage")
    return [word.strip(" '\"") for word in str(field.type).partition("[")[2].rstrip("]").split(",")]


def rlhf(context: ProbeContext) -> str:
    raise Listed(f"values of `stage`: {', '.join(stages())}")


def ppo(context: ProbeContext) -> str:
    raise Listed(f"values of `stage`: {', '.join(stages())}")


def resume(options: Options, checkpoint: Path) -> Options:
    return {**options, "resume_from_checkpoint": str(checkpoint), "overwrite_output_dir": False}


def web_ui(context: ProbeContext) -> str:
    """Start it on the loopback, ask once, and stop it."""
    port = 20000 + os.getpid() % 20000
    variables = {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "PYTHONPATH": STAND_INS,
    }
    command = [str(Path(sys.executable).parent / "llamafactory-cli"), "webui"]
    log = context.folder / "webui.log"
    with (
        log.open("w", encoding="utf-8") as output,
        subprocess.Popen(
            command,
            cwd=context.folder,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            deadline = time.monotonic() + WEB_SECONDS
            while time.monotonic() < deadline and process.poll() is None:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                        answered = f"{answer.status}, {len(answer.read())} B"
                        return f"`llamafactory-cli webui` answered on the loopback: {answered}"
                except (urllib.error.URLError, OSError):
                    time.sleep(1)
        finally:
            process.terminate()
    printed = log.read_text(encoding="utf-8", errors="replace")
    print(printed[-20000:], flush=True)
    raise RuntimeError(first_error(printed) or f"it did not answer within {WEB_SECONDS} s")


def in_its_own_ranks(change: Mapping[str, Any]) -> Probe:
    """Train in two processes by its command, which starts torchrun itself."""

    def trained(context: ProbeContext) -> str:
        path = context.folder / "ranks.yaml"
        path.write_text(yaml.safe_dump({**context.options("lora"), **change}), encoding="utf-8")
        variables = {
            "FORCE_TORCHRUN": "1",
            "NPROC_PER_NODE": "2",
            "ACCELERATE_USE_CPU": "true",
            "LLAMAFACTORY_VERBOSITY": "INFO",
            "PYTHONPATH": STAND_INS,
        }
        command = [str(Path(sys.executable).parent / "llamafactory-cli"), "train", str(path)]
        printed = ran(command, context.folder, variables)
        if "world size: 2" not in printed or "train_loss" not in printed:
            raise ValueError(f"two processes did not train together: {printed[-300:]}")
        return "`llamafactory-cli train` with FORCE_TORCHRUN=1 trained and reported a world size of 2"

    return trained


def use_unsloth(context: ProbeContext) -> str:
    options = {**fresh_lora(context.options("lora")), "use_unsloth": True}
    return train(context, "lora", options, Watching()).evidence()


def architectures(context: ProbeContext) -> str:
    from llamafactory.extras.constants import SUPPORTED_MODELS

    raise Listed(f"{len(SUPPORTED_MODELS)} models in its own list")


def surveyed(context: ProbeContext) -> dict[str, float]:
    fields = [field for name in ARGUMENTS for field in explained_fields(getattr(hparams, name))]
    return survey("llamafactory", dict(fields).items())


PROBES: dict[str, Probe] = {
    "full": trains("full"),
    "lora": trains("lora"),
    "qlora": trains("qlora"),
    "dora": trains("lora", with_dora, dora_layers),
    "lora_8bit": trains("lora", {"quantization_bit": 8, "quantization_method": "bnb"}, eight_bit_layers),
    "fp8": trains("full", {"fp8": True}, fp8_layers),
    "gptq": trains("lora", on_gptq),
    "relora": absent("relora", options),
    "packing": packing,
    "rope_scaling": trains("lora", {"rope_scaling": "yarn", "cutoff_len": 65536}, scaled_rope),
    "gradient_checkpointing": trains("gradient_checkpointing", inspection=computed_again),
    "compile": trains("compile", inspection=compiled_graphs),
    "chunked_cross_entropy": trains("lora", {"enable_liger_kernel": True}, loss_in_chunks),
    "dpo": dpo,
    "rlhf": rlhf,
    "ppo": ppo,
    "resume": resumes("lora", SAVE_EACH_STEP, resume),
    "export": exports("full", saved_by_itself),
    "data_parallel": in_its_own_ranks({}),
    "fsdp": in_its_own_ranks(FSDP),
    "deepspeed": trains("full", {"deepspeed": ZERO2}),
    "ring_attention": absent("sequence_parallel", options),
    "xformers": absent("xformers", options),
    "web_ui": web_ui,
    "command_line": lambda context: own_command(context, "lora"),
    "architectures": architectures,
    "survey": surveyed,
    "use_unsloth": use_unsloth,
    "example_llamafactory": example.run,
}
