"""The interface of an exporter: how one framework turns what it trained into a folder that transformers loads."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.job.job import Method, Precision

from ...base import LiveJob


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What a training left: the live model, and where the framework wrote."""

    method: Method
    precision: Precision
    options: Mapping[str, Any]
    """The native options that it was trained with."""
    live: LiveJob
    model_path: Path
    """The checkpoint before training."""
    scratch: Path
    """An empty folder for files on the way."""

    @property
    def uses_lora(self) -> bool:
        """True if an adapter was trained."""
        return self.method != "full"


class Exporter(abc.ABC):
    """One framework's export, by its own means. `adapters/<framework>/export.py` has it as EXPORTER."""

    by: str
    """What its user calls, for the report."""

    def workarounds(self, method: str) -> tuple[str, ...]:
        """Return what had to be worked around for this method, in words."""
        return ()

    def kept(self, options: Mapping[str, Any], method: str) -> dict[str, Any]:
        """Return the native options with what the framework needs in order to keep its result."""
        return dict(options)

    def own_gguf(self, trained: Trained, engine_source: Path) -> Path | None:
        """Convert to GGUF in F16 by the framework's own means, and return the file; None if it has none.

        `engine_source`: a folder with llama.cpp's converter and its llama-quantize. Nothing is fetched.
        """
        return None

    @abc.abstractmethod
    def export(self, trained: Trained, folder: Path) -> None:
        """Write config.json, safetensors and the tokenizer to `folder`, which does not exist yet."""
