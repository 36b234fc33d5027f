"""Export what Axolotl trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from ..instruments.command import run_command
from ..instruments.exporting.exporter import Exporter, Trained


class AxolotlExporter(Exporter):
    """What `axolotl train` saves at its end; after LoRA, `axolotl merge-lora`."""

    by = "the checkpoint of axolotl train; after LoRA, axolotl merge-lora"

    def export(self, trained: Trained, folder: Path) -> None:
        saved = Path(trained.options["output_dir"])
        if not trained.uses_lora:
            shutil.copytree(saved, folder, ignore=shutil.ignore_patterns("prepared", "checkpoint-*", "*.yaml"))
            return
        # Training began from the shared initial adapter. What it saved is in its output folder.
        config = {**trained.options, "lora_model_dir": str(saved), "output_dir": str(trained.scratch)}
        path = trained.scratch / "axolotl.yaml"
        path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        run_command("axolotl", "merge-lora", str(path), folder=trained.scratch)
        shutil.move(trained.scratch / "merged", folder)


EXPORTER = AxolotlExporter()
