"""The usage example for LLaMA-Factory in the report whose claims are judged (its section 4.3), on local files.

Only names are others: the model's folder stands in the place of the hub's.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ..instruments.probing.ground import Ground
from ..instruments.probing.processes import example, ran

INFO = {"fineweb_edu": {"file_name": "text.jsonl", "columns": {"prompt": "text"}}}


def run(ground: Ground) -> str:
    """As a probe: adapters.instruments.probing.ground.Probe."""
    described = ["--dataset_dir", str(data_folder(ground))]
    training = [*described, "--do_train", "true", "--stage", "pt", "--max_steps", "3", "--report_to", "none"]
    return example(
        [
            ("as written, with the model's folder in place of its name", lambda: written(ground, [])),
            ("with its data set named in a dataset_info.json", lambda: written(ground, described)),
            ("with that, --do_train true, --stage pt and three steps", lambda: written(ground, training)),
        ]
    )


def data_folder(ground: Ground) -> Path:
    """Its data sets are named in a file of its own, which the report does not mention."""
    folder = ground.folder / "described"
    folder.mkdir()
    (folder / "dataset_info.json").write_text(json.dumps(INFO), encoding="utf-8")
    os.link(ground.text_path, folder / "text.jsonl")
    return folder


def written(ground: Ground, further: list[str]) -> str:
    """Its three options, and further ones."""
    command = [str(Path(sys.executable).parent / "llamafactory-cli"), "train"]
    command += ["--model_name_or_path", str(ground.model_path), "--dataset", "fineweb_edu", "--output_dir", "outputs"]
    stand_ins = Path(__file__).parent / "stand_ins"
    told = ran([*command, *further], ground.folder, {"PYTHONPATH": str(stand_ins)})
    if "train_loss" not in told:
        raise ValueError("it ended with status 0 and trained nothing")
    return "`llamafactory-cli train` trained"
