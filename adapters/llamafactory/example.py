"""The usage example for LLaMA-Factory in the report whose claims are judged (its section 4.3), on local files.

Only names differ: the model's folder stands in for the hub's.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ..instruments.command import ran
from ..instruments.probing.context import ProbeContext
from ..instruments.probing.processes import example

INFO = {"fineweb_edu": {"file_name": "text.jsonl", "columns": {"prompt": "text"}}}


def run(context: ProbeContext) -> str:
    """Run it as a probe: adapters.instruments.probing.context.Probe."""
    described = ["--dataset_dir", str(data_folder(context))]
    training = [*described, "--do_train", "true", "--stage", "pt", "--max_steps", "3", "--report_to", "none"]
    return example(
        [
            ("as written, with the model's folder in place of its name", lambda: written(context, [])),
            ("with its data set named in a dataset_info.json", lambda: written(context, described)),
            ("with that, --do_train true, --stage pt and three steps", lambda: written(context, training)),
        ]
    )


def data_folder(context: ProbeContext) -> Path:
    """Write its data sets' index file, which the report does not mention."""
    folder = context.folder / "described"
    folder.mkdir()
    (folder / "dataset_info.json").write_text(json.dumps(INFO), encoding="utf-8")
    os.link(context.text_path, folder / "text.jsonl")
    return folder


def written(context: ProbeContext, further: list[str]) -> str:
    """Run its three options, and further ones."""
    command = [str(Path(sys.executable).parent / "llamafactory-cli"), "train"]
    command += ["--model_name_or_path", str(context.model_path), "--dataset", "fineweb_edu", "--output_dir", "outputs"]
    stand_ins = Path(__file__).parent / "stand_ins"
    printed = ran([*command, *further], context.folder, {"PYTHONPATH": str(stand_ins)})
    if "train_loss" not in printed:
        raise ValueError("it ended with status 0 and trained nothing")
    return "`llamafactory-cli train` trained"
