"""The axolotl plugin that adds the harness's step callback; `train` gives it the recorder."""

from __future__ import annotations

from typing import Any

from axolotl.integrations.base import BasePlugin

from ..base import Recorder
from ..shared.hf import StepCallback


def recording_plugin(recorder: Recorder, *, use_cpu: bool) -> type[BasePlugin]:
    """Return a plugin class bound to `recorder`. axolotl instantiates plugins itself, without arguments."""

    class RecordingPlugin(BasePlugin):
        def get_training_args(self, cfg: Any) -> dict[str, Any]:
            # TrainingArguments refuses bf16 on a CPU without this, and axolotl has no key for it.
            return {"use_cpu": use_cpu}

        def add_callbacks_post_trainer(self, cfg: Any, trainer: Any) -> list[StepCallback]:
            return [StepCallback(recorder)]

    return RecordingPlugin
