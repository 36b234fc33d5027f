"""The frameworks by name; an adapter is imported when it is asked for, so that listing them costs nothing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.base import Adapter

ADAPTER_CLASSES = {
    "transformers": "adapters.transformers.adapter:TransformersAdapter",
    "unsloth": "adapters.unsloth.adapter:UnslothAdapter",
    "axolotl": "adapters.axolotl.adapter:AxolotlAdapter",
    "torchtune": "adapters.torchtune.adapter:TorchtuneAdapter",
    "llamafactory": "adapters.llamafactory.adapter:LlamaFactoryAdapter",
}
FRAMEWORKS = tuple(ADAPTER_CLASSES)
BASELINE = "transformers"
"""The framework that every ratio is against."""


def load_adapter(name: str) -> Adapter:
    """The adapter of a framework in FRAMEWORKS. Imports the adapter, never the framework."""
    module, _, attribute = ADAPTER_CLASSES[name].partition(":")
    adapter: Adapter = getattr(importlib.import_module(module), attribute)()
    return adapter
