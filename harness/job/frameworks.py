"""The frameworks by name. An adapter is imported when it is first used, so listing them costs nothing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from harness.files.locations import ADAPTERS_PACKAGE

if TYPE_CHECKING:
    from types import ModuleType

    from adapters.base import Adapter

ADAPTER_CLASSES = {
    "transformers": "transformers.adapter:TransformersAdapter",
    "unsloth": "unsloth.adapter:UnslothAdapter",
    "axolotl": "axolotl.adapter:AxolotlAdapter",
    "torchtune": "torchtune.adapter:TorchtuneAdapter",
    "llamafactory": "llamafactory.adapter:LlamaFactoryAdapter",
}
FRAMEWORKS = tuple(ADAPTER_CLASSES)
TITLES = {"unsloth": "Unsloth", "axolotl": "Axolotl", "llamafactory": "LLaMA-Factory"}
"""The frameworks' names in sentences, where they differ."""
BASELINE = "transformers"
"""The framework that every ratio is against."""
REFERENCE = "reference"
"""The plain PyTorch loop with which the audit compares every framework. It has no row in any table."""
REFERENCE_CLASS = "instruments.reference.adapter:ReferenceAdapter"
REFERENCE_ENVIRONMENT = "transformers"
"""The reference and the ceiling run in this framework's environment: they need its torch, datasets and bitsandbytes."""
CEILING = "ceiling"
"""How fast plain PyTorch trains the job: a row of the tuned track that is no framework and in no verdict."""
CEILING_CLASS = "instruments.ceiling.adapter:CeilingAdapter"
TRAINERS = (*FRAMEWORKS, CEILING)
"""Everything that may have a row, in the order of the report."""
CHIP = "chip"
"""The machine's ceilings, measured by plain torch in any framework's environment."""
CHIP_CLASS = "instruments.chip.adapter:ChipAdapter"
LLAMA_CPP = "llama_cpp"
"""What runs the results: llama.cpp, in an environment of its own. It trains nothing."""
LLAMA_CPP_CLASS = "llama_cpp.adapter:LlamaCppAdapter"
OTHER_CLASSES = {REFERENCE: REFERENCE_CLASS, CEILING: CEILING_CLASS, CHIP: CHIP_CLASS, LLAMA_CPP: LLAMA_CPP_CLASS}
LOCKED = (*FRAMEWORKS, LLAMA_CPP)
"""Everything that has a lock, and so an environment of its own."""


def load_adapter(name: str, **settings: str) -> Adapter:
    """Return the adapter of a framework in FRAMEWORKS, REFERENCE, CEILING, CHIP or LLAMA_CPP.

    Imports the adapter, never the framework. "module:Class" names an adapter that is importable but not in the list.
    `settings` are its constructor's.
    """
    ours = {**ADAPTER_CLASSES, **OTHER_CLASSES}.get(name)
    module, _, attribute = (f"{ADAPTERS_PACKAGE}.{ours}" if ours else name).partition(":")
    adapter: Adapter = getattr(importlib.import_module(module), attribute)(**settings)
    return adapter


def load_instrument(name: str) -> ModuleType:
    """Return a module of adapters/instruments, like "witness.witness"."""
    return load_task(f"instruments.{name}")


def load_task(name: str) -> ModuleType:
    """Return a module of adapters/, like "llama_cpp.run_task". A worker calls its `run(adapter, recorder, task)`."""
    return importlib.import_module(f"{ADAPTERS_PACKAGE}.{name}")
