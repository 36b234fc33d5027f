"""The axolotl plugin that adds the harness's step callback; `train` hands it the recorder."""

from __future__ import annotations

from typing import Any

from axolotl.integrations.base import BasePlugin

from ..base import Recorder
from ..shared.hf import StepCallback


def recording_plugin(recorder: Recorder, *, use_cpu: bool) -> type[BasePlugin]:
    """A plugin class bound to `recorder`; axolotl instantiates plugins itself, without arguments."""

    class RecordingPlugin(BasePlugin):
        def get_training_args(self, cfg: Any) -> dict[str, Any]:
            # bf16 on a CPU is refused by TrainingArguments without this, and axolotl has no key for it.
            return {"use_cpu": use_cpu}

        def add_callbacks_post_trainer(self, cfg: Any, trainer: Any) -> list[StepCallback]:
            return [StepCallback(recorder)]

    return RecordingPlugin
