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
REFERENCE = "reference"
"""The plain PyTorch loop that the audit holds every framework against; never a row of a table."""
REFERENCE_CLASS = "adapters.instruments.reference.adapter:ReferenceAdapter"
REFERENCE_ENVIRONMENT = "transformers"
"""Whose environment the reference and the ceiling run in; it needs torch, datasets and bitsandbytes of it."""
CEILING = "ceiling"
"""How fast plain PyTorch trains the job: a row of the tuned track that is no framework and in no verdict."""
CEILING_CLASS = "adapters.instruments.ceiling.adapter:CeilingAdapter"
TRAINERS = (*FRAMEWORKS, CEILING)
"""Who may have a row, in the order of the report."""
CHIP = "chip"
"""The machine's own ceilings, measured by plain torch in any framework's environment."""
CHIP_CLASS = "adapters.instruments.chip.adapter:ChipAdapter"
OTHER_CLASSES = {REFERENCE: REFERENCE_CLASS, CEILING: CEILING_CLASS, CHIP: CHIP_CLASS}


def load_adapter(name: str) -> Adapter:
    """The adapter of a framework in FRAMEWORKS, REFERENCE, CEILING or CHIP. Imports the adapter, never the framework.

    "module:Class" names an adapter that is importable but not in the list.
    """
    where = {**ADAPTER_CLASSES, **OTHER_CLASSES}.get(name, name)
    module, _, attribute = where.partition(":")
    adapter: Adapter = getattr(importlib.import_module(module), attribute)()
    return adapter
