"""What every probe builds on: the short jobs, the framework, and the ways in which a capability can be missing.

A probe really does one thing in a short job and returns the evidence, in words. It raises Unsupported if the framework
has no such thing, Listed if the framework names it but it was not tried, and anything else if it fails.
"""

from __future__ import annotations

import copy
import dataclasses
import importlib
import importlib.util
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...base import Adapter, LiveJob, NativeConfig, Recorder, Unsupported, deep_merge

Options = dict[str, Any]
Inspection = Callable[[LiveJob], Callable[[], str]]
"""Inspects the live job before the first step. The function that it returns runs after the last step and gives the
evidence.
"""


class Listed(Exception):
    """The framework names it among its options. It was not tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeContext:
    """The short jobs and files that a probe works with."""

    adapter: Adapter
    configs: Mapping[str, NativeConfig]
    """Native configs of short jobs: full, lora, qlora, gradient_checkpointing, compile."""
    folder: Path
    """An empty folder that is removed afterwards."""
    model_path: Path
    adapter_path: Path
    """A LoRA adapter that fits the model."""
    text_path: Path
    """JSON lines with a key `text`: short documents."""
    preferences_path: Path
    """JSON lines with keys `prompt`, `chosen` and `rejected`."""

    def options(self, name: str) -> Options:
        """A config's options, for the probe to change."""
        return copy.deepcopy(dict(self.configs[name].options))


Probe = Callable[[ProbeContext], str | dict[str, float]]
"""Returns the evidence, in words; or a survey's figures."""


def run(adapter: Adapter, recorder: Recorder, request: Mapping[str, Any]) -> None:
    """Run the probe that the controller asks for, and record its evidence as a fact."""
    probes: Mapping[str, Probe] = importlib.import_module(".probes", type(adapter).__module__.rpartition(".")[0]).PROBES
    context = ProbeContext(
        adapter=adapter,
        configs={name: NativeConfig(**config) for name, config in request["configs"].items()},
        folder=Path(request["folder"]),
        model_path=Path(request["model_path"]),
        adapter_path=Path(request["adapter_path"]),
        text_path=Path(request["text_path"]),
        preferences_path=Path(request["preferences_path"]),
    )
    evidence = probes[request["capability"]](context)
    if isinstance(evidence, dict):
        recorder.fact("figures", evidence)
        evidence = ", ".join(f"{name} {value:,.0f}" for name, value in evidence.items())
    recorder.fact("evidence", evidence)


class Watching:
    """A Recorder that keeps the losses and inspects the live job."""

    def __init__(self, inspection: Inspection | None = None) -> None:
        self.inspection = inspection
        self.live: LiveJob | None = None
        self.losses: dict[int, float] = {}
        self._inspect_again: Callable[[], str] = lambda: ""

    def training_begins(self, live: LiveJob) -> None:
        self.live = live
        if self.inspection is not None:
            self._inspect_again = self.inspection(live)

    def step_ends(self) -> None:
        """Ignored: nothing is timed."""

    def step_logged(
        self, step: int, *, loss: float, grad_norm: float | None = None, learning_rate: float | None = None
    ) -> None:
        self.losses[step] = loss

    def fact(self, name: str, value: object) -> None:
        """Ignored: nothing is recorded."""

    def evidence(self) -> str:
        """Return the evidence that it trained. Raises ValueError if it did not."""
        if not self.losses or not all(map(math.isfinite, self.losses.values())):
            raise ValueError(f"it ended without a finite loss: {self.losses}")
        losses = ", ".join(f"{loss:.4f}" for loss in self.losses.values())
        return "; ".join(filter(None, [self._inspect_again(), f"losses of {len(self.losses)} steps: {losses}"]))


def train(context: ProbeContext, name: str, options: Options, watching: Watching) -> Watching:
    """Train by the framework's training path, as a config says, with other options."""
    context.adapter.train(dataclasses.replace(context.configs[name], options=options), watching)
    return watching


def trains(
    name: str,
    change: Callable[[ProbeContext, Options], Options] | Mapping[str, Any] | None = None,
    inspection: Inspection | None = None,
) -> Probe:
    """Return a probe that trains a short job, with options changed or merged in, and inspects it."""

    def trained(context: ProbeContext) -> str:
        options = context.options(name)
        if callable(change):
            options = change(context, options)
        elif change is not None:
            options = deep_merge(options, change)
        return train(context, name, options, Watching(inspection)).evidence()

    return trained


def absent(word: str, places: Callable[[], Mapping[str, Iterable[str]]]) -> Probe:
    """Return a probe for something missing: it looks for a word in the names of the framework's options."""

    def listed(context: ProbeContext) -> str:
        found = {place: [name for name in names if word in name.lower()] for place, names in places().items()}
        listing = "; ".join(f"{place}: {', '.join(names)}" for place, names in found.items() if names)
        if listing:
            raise Listed(listing)
        raise Unsupported(f"no option with {word!r} in {', '.join(found)}")

    return listed


def without(module: str, what: str) -> Probe:
    """Return a probe for what needs a package that the framework neither requires nor has."""

    def listed(context: ProbeContext) -> str:
        if importlib.util.find_spec(module) is None:
            raise Unsupported(f"{what}: it does not ask for {module}, which has it")
        raise Listed(f"{module} is installed")

    return listed


def lacks(what: str) -> Probe:
    """Return a probe for what is not in the installed package; it says what was looked for."""

    def refused(context: ProbeContext) -> str:
        raise Unsupported(what)

    return refused


def fields_of(kind: Any) -> list[str]:
    """Return the names of the fields of a dataclass or a pydantic model."""
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    return list(kind.model_fields)
