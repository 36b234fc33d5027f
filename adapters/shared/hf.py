"""Code for the four frameworks that train through transformers.Trainer. Runs inside their environments."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback

from ..base import LiveJob, Recorder
from .live_facts import tell_live_facts


class StepCallback(TrainerCallback):
    """Reports to a Recorder when optimizer steps end and what the Trainer logged for each.

    `on_log` comes after `on_step_end` of the same step, with the unrounded loss (transformers 5.6 to 5.23). Batches are
    fetched before `on_step_begin`: a step lasts from one `on_step_end` to the next.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        model = kwargs["model"]
        live = LiveJob(
            model=model,
            optimizer=kwargs.get("optimizer"),
            attention=getattr(model.config, "_attn_implementation", None),
            canonical_name=canonical_name,
        )
        tell_live_facts(self.recorder, live)
        self.recorder.training_begins(live)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.recorder.step_ends()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if logs and "loss" in logs:
            self.recorder.step_logged(
                state.global_step,
                loss=float(logs["loss"]),
                grad_norm=_number(logs.get("grad_norm")),
                learning_rate=_number(logs.get("learning_rate")),
            )


def canonical_name(name: str) -> str:
    """See adapters.base.LiveJob. Removes the wrappers of peft, torch.compile and checkpointing from a name."""
    for wrapping in ("_orig_mod.", "_checkpoint_wrapped_module.", "base_model.model."):
        name = name.replace(wrapping, "")
    return name.replace(".base_layer", "").replace(".default.", ".")


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
