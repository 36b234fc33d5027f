"""The usage example for Axolotl in the report whose claims are judged (its section 2.4), on local files.

Only names differ: the model's folder and a file of short documents stand in for the hub's.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from ..instruments.command import ran
from ..instruments.probing.context import ProbeContext
from ..instruments.probing.processes import example


def run(context: ProbeContext) -> str:
    """Run it as a probe: adapters.instruments.probing.context.Probe."""
    short = {"max_steps": 3}
    layers = {**short, "lora_target_linear": True}
    unpacked = {**layers, "sample_packing": False}
    return example(
        [
            ("as written, with local files in place of the hub's names", lambda: written(context, short, "a")),
            ("with lora_target_linear: true", lambda: written(context, layers, "b")),
            ("with that, and sample_packing: false", lambda: written(context, unpacked, "c")),
        ]
    )


def written(context: ProbeContext, changed: dict[str, Any], name: str) -> str:
    """Run its YAML by accelerate. Three steps are enough to see that it trains."""
    config = {
        "base_model": str(context.model_path),
        "load_in_4bit": True,
        "adapter": "qlora",
        "lora_r": 16,
        "lora_alpha": 32,
        "lora_dropout": 0.05,
        "datasets": [{"path": str(context.text_path), "ds_type": "json", "type": "completion", "field": "text"}],
        "sequence_len": 2048,
        "sample_packing": True,
        "micro_batch_size": 2,
        "gradient_accumulation_steps": 4,
        "num_epochs": 3,
        "learning_rate": 0.0002,
        "output_dir": str(context.folder / f"out-{name}"),
        **changed,
    }
    path = context.folder / f"config-{name}.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    accelerate = str(Path(sys.executable).parent / "accelerate")
    printed = ran([accelerate, "launch", "-m", "axolotl.cli.train", str(path)], context.folder)
    if "train_loss" not in printed and "train_runtime" not in printed:
        raise ValueError("it ended without a word of training")
    return "`accelerate launch -m axolotl.cli.train config.yml` trained"
