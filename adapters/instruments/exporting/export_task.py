"""Train a short job, export its result by the framework's own means, and say what the export kept.

Runs in a cell's process, in the framework's environment. The controller's request names the files.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from harness.worker.phase_peaks import PhasePeaks
from harness.worker.recorder import cuda_in_use

from ...base import Adapter, LiveJob, NativeConfig, Recorder
from ..forwarding import ForwardingRecorder
from .evaluation import Evaluation, evaluate
from .exporter import Exporter, Trained
from .kept_weights import adapter_of, kept_weights


class Keeper(ForwardingRecorder):
    """A Recorder that passes everything on, keeps the live job, and evaluates it before and after it trains."""

    def __init__(self, recorder: Recorder, steps: int, tokens_path: Path, compared_tokens: int) -> None:
        super().__init__(recorder)
        self.steps = steps
        self.live: LiveJob | None = None
        self.untrained: Evaluation | None = None
        self.trained: Evaluation | None = None
        self.evaluated_at = 0.0
        """CLOCK_MONOTONIC seconds. What a framework does from then on is its own saving."""
        self._held_out = (tokens_path, compared_tokens)

    def training_begins(self, live: LiveJob) -> None:
        """Evaluate the untrained model. LoRA's second matrix is zero, so this is the frozen model's loss."""
        self.live = live
        self.untrained = evaluate(live.model, *self._held_out)
        super().training_begins(live)

    def step_logged(
        self, step: int, *, loss: float, grad_norm: float | None = None, learning_rate: float | None = None
    ) -> None:
        """Pass it on. After the last step, evaluate: saving may change the live model.

        (On a CPU torchtune 0.6.1 merges LoRA into the weights that it trained, since there it saves no copies.)
        """
        super().step_logged(step, loss=loss, grad_norm=grad_norm, learning_rate=learning_rate)
        if step == self.steps and self.live is not None:
            self.trained = evaluate(self.live.model, *self._held_out)
            PhasePeaks(cuda_in_use()).end_of_phase()
            self.evaluated_at = time.monotonic()


def run(adapter: Adapter, recorder: Recorder, task: Mapping[str, Any]) -> None:
    """Train and evaluate. Where the framework has an exporter, export and read the export. Record it all as facts."""
    config = NativeConfig(**task["native_config"])
    method = task["method"]
    exporter = exporter_of(adapter)
    if exporter is not None:
        config = dataclasses.replace(config, options=exporter.kept(config.options, method))
    held_out = (Path(task["tokens_path"]), int(task["compared_tokens"]))
    keeper = Keeper(recorder, int(task["steps"]), *held_out)
    adapter.train(config, keeper)
    saving_seconds = time.monotonic() - keeper.evaluated_at
    live = keeper.live
    assert live is not None
    tell_evaluations(keeper, recorder, Path(task["logits_path"]))
    if exporter is None:
        return
    trained = Trained(
        method=method,
        precision=task["precision"],
        options=config.options,
        live=live,
        model_path=Path(task["model_path"]),
        scratch=Path(task["scratch"]),
    )
    lora = adapter_of(trained)
    memory = PhasePeaks(cuda_in_use())
    began = time.monotonic()
    folder = Path(task["export_path"])
    exporter.export(trained, folder)
    seconds = saving_seconds + time.monotonic() - began
    peaks = memory.end_of_phase()
    # In KiB on Linux, of the largest child that has ended.
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1024 if sys.platform != "darwin" else 1)
    recorder.fact("export_seconds", seconds)
    recorder.fact("export_peak_rss_bytes", max(peaks.get("peak_rss_bytes", 0), children))
    recorder.fact("exported_by", exporter.by)
    recorder.fact("workarounds", list(exporter.workarounds(method)))
    recorder.fact("export_bytes", sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
    recorder.fact("kept", kept_weights(trained, lora, float(task["lora_scale"]), folder))
    convert_by_its_own_means(exporter, trained, recorder, task["engine_source"])


def convert_by_its_own_means(exporter: Exporter, trained: Trained, recorder: Recorder, source: str | None) -> None:
    """Record the path of the framework's own GGUF file, or why there is none. It has none without an own conversion."""
    if type(exporter).own_gguf is Exporter.own_gguf:
        return
    if source is None:
        recorder.fact(
            "own_gguf_failed", "llama.cpp's source is not in uv's cache, and nothing is fetched from elsewhere"
        )
        return
    try:
        recorder.fact("own_gguf", str(exporter.own_gguf(trained, Path(source))))
    except Exception as error:  # Whatever the framework raises: its export is made, and this is beside it.
        recorder.fact("own_gguf_failed", f"{type(error).__name__}: {error}"[:300])


def tell_evaluations(keeper: Keeper, recorder: Recorder, logits_path: Path) -> None:
    """Record the losses before and after training, write the logits, and forget them."""
    before, after = keeper.untrained, keeper.trained
    assert before is not None and after is not None
    recorder.fact("untrained_loss", before.loss)
    recorder.fact("trained_loss", after.loss)
    save_file({"trained": after.logits.contiguous(), "untrained": before.logits.contiguous()}, logits_path)
    keeper.untrained = keeper.trained = None


def exporter_of(adapter: Adapter) -> Exporter | None:
    """Return the framework's exporter; None for the reference, which exports nothing."""
    package = type(adapter).__module__.rpartition(".")[0]
    if importlib.util.find_spec(f"{package}.export") is None:
        return None
    found: Exporter = importlib.import_module(f"{package}.export").EXPORTER
    return found
