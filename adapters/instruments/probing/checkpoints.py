"""Probes that save and load: the framework's checkpoint, and an export that transformers can load."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...base import LiveJob, deep_merge
from .context import Options, Probe, ProbeContext, Watching, train


def resumes(name: str, save: Mapping[str, Any], resume: Callable[[Options, Path], Options]) -> Probe:
    """Return a probe that trains three steps, saves each, resumes from the second, and compares the third."""

    def resumed(context: ProbeContext) -> str:
        first = train(context, name, deep_merge(context.options(name), save), Watching())
        if len(first.losses) < 3:
            raise ValueError(f"it trained {len(first.losses)} of 3 steps")
        checkpoint = next(iter(sorted(context.folder.rglob("checkpoint-2"))), None)
        if checkpoint is None:
            raise ValueError("it saved no checkpoint of its second step")
        options = resume(deep_merge(context.options(name), save), checkpoint)
        again = train(context, name, options, Watching())
        if list(again.losses) != [3]:
            raise ValueError(f"it did not go on at step 3: steps {list(again.losses)}")
        if not math.isclose(first.losses[3], again.losses[3], rel_tol=1e-5):
            raise ValueError(f"its third loss was {again.losses[3]:.6f} and, without a break, {first.losses[3]:.6f}")
        return f"went on at step 3 with the loss of an unbroken run, {again.losses[3]:.6f}"

    return resumed


def exports(name: str, save: Callable[[ProbeContext, LiveJob, Path], Path]) -> Probe:
    """Return a probe that trains and saves, and leaves logits for transformers to compare with."""

    def exported(context: ProbeContext) -> str:
        import torch
        from safetensors.torch import save_file

        from ..exporting.evaluation import logits_of

        watching = train(context, name, context.options(name), Watching())
        assert watching.live is not None
        model = watching.live.model.eval()
        tokens = torch.arange(100, 164).reshape(1, -1)
        with torch.no_grad():
            logits = logits_of(model, tokens)
        folder = save(context, watching.live, context.folder / "export")
        save_file(
            {"tokens": tokens, "logits": logits.float().contiguous()}, context.folder.parent / "logits.safetensors"
        )
        exported = context.folder.parent / "exported"
        shutil.copytree(folder, exported)
        files = sorted(path.name for path in exported.glob("*.safetensors"))
        if not files:
            raise ValueError(f"it saved no safetensors: {sorted(path.name for path in exported.iterdir())[:8]}")
        return f"saved {', '.join(files)}"

    return exported
