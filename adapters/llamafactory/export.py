"""Export what LLaMA-Factory trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from harness.job.job import DTYPES

from ..instruments.command import run_command
from ..instruments.exporting.exporter import Exporter, Trained


class LlamaFactoryExporter(Exporter):
    """What `llamafactory-cli train` saves at its end; after LoRA, `llamafactory-cli export`."""

    by = "the checkpoint of llamafactory-cli train; after LoRA, llamafactory-cli export"

    def export(self, trained: Trained, folder: Path) -> None:
        saved = Path(trained.options["output_dir"])
        if not trained.uses_lora:
            shutil.copytree(saved, folder, ignore=shutil.ignore_patterns("checkpoint-*"))
            return
        config = {
            "model_name_or_path": str(trained.model_path),
            "adapter_name_or_path": str(saved),
            "finetuning_type": "lora",
            "template": "empty",
            "trust_remote_code": False,
            # By default it turns fp32 into bf16 where a GPU can.
            "infer_dtype": DTYPES[trained.precision],
            "export_dir": str(folder),
            "export_device": "cpu",
            "export_legacy_format": False,
        }
        path = trained.scratch / "export.yaml"
        path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        run_command(
            "llamafactory-cli",
            "export",
            str(path),
            folder=trained.scratch,
            stand_ins=Path(__file__).parent / "stand_ins",
        )


EXPORTER = LlamaFactoryExporter()
