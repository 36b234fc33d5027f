"""How much of the training an export kept, tensor by tensor.

An export should hold, for every tensor, what it was before training plus what training added. `Sums` adds up over all
tensors how far along that change the export went, and what else it changed. The first is a regression through the
origin, so rounding to 16 bits, which is independent of the change, averages out of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from ..witness.tensors import values_of
from .exporter import Trained

HEAD = "lm_head.weight"
LORA_A, LORA_B = ".lora_A.weight", ".lora_B.weight"
BASES = ("as loaded", "as quantized")
"""A QLoRA adapter may be merged into the checkpoint's weights, or into the 4-bit weights that it was trained over."""


@dataclass(kw_only=True, slots=True)
class Sums:
    """Sums over tensors, in float64. `change` is what training added; `off` is the export less what it should be."""

    along: float = 0.0
    """Sum of (export - before) times change."""
    change: float = 0.0
    """Sum of squares of the change."""
    off: float = 0.0
    """Sum of squares of what is off."""
    export: float = 0.0
    """Sum of squares of the export."""

    def add(self, export: torch.Tensor, before: torch.Tensor, change: torch.Tensor) -> None:
        """Add one tensor."""
        moved = (export - before).double().flatten()
        wide = change.double().flatten()
        self.along += float(moved @ wide)
        self.change += float(wide @ wide)
        self.off += float((moved - wide).square().sum())
        self.export += float(export.double().square().sum())

    @property
    def kept_share(self) -> float | None:
        """1 if the export holds the whole change, 0 if none of it; None if training changed nothing."""
        return self.along / self.change if self.change else None

    @property
    def off_share(self) -> float:
        """Size of what is off, as a share of the size of the weights."""
        return float((self.off / self.export) ** 0.5) if self.export else 0.0


def adapter_of(trained: Trained) -> dict[str, torch.Tensor]:
    """Return the trained LoRA matrices by canonical name, as copies: an export may merge the live model."""
    if not trained.uses_lora:
        return {}
    live = trained.live
    named = ((live.canonical_name(name), parameter) for name, parameter in live.model.named_parameters())
    return {name: values.detach().float().cpu().clone() for name, values in named if name.endswith((LORA_A, LORA_B))}


def kept_weights(
    trained: Trained, adapter: Mapping[str, torch.Tensor], lora_scale: float, export: Path
) -> dict[str, Any]:
    """Return what an export holds, against what was trained, as plain values.

    `lora_scale`: lora_alpha / lora_rank.
    """
    base, exported = Tensors(trained.model_path), Tensors(export)
    live = {trained.live.canonical_name(name): values for name, values in trained.live.model.named_parameters()}
    sums = {name: Sums() for name in BASES}
    others = Sums()
    reshaped = []
    # A tied head that is stored beside its embedding is judged with it.
    for name in (base.names & exported.names) - ({HEAD} - live.keys()):
        values = exported.read(name)
        before = base.read(name)
        if values.shape != before.shape:
            reshaped.append(f"{name} as {list(values.shape)}, not {list(before.shape)}")
            continue
        change = _change(name, before, live, adapter, lora_scale, uses_lora=trained.uses_lora)
        if change is None:
            others.add(values, before, torch.zeros_like(before))
            continue
        sums["as loaded"].add(values, before, change)
        if trained.method == "qlora":
            quantized = values_of(live[name]).detach().float().cpu().reshape(before.shape)
            sums["as quantized"].add(values, quantized, change)
    chosen = min((name for name in BASES if sums[name].export), key=lambda name: sums[name].off_share, default=BASES[0])
    return {
        "missing": sorted(base.names - exported.names - {HEAD}),
        "reshaped": reshaped,
        "added": sorted(exported.names - base.names),
        "dtypes": sorted(exported.dtypes()),
        "base": chosen,
        "kept_share": sums[chosen].kept_share,
        "off_share": sums[chosen].off_share,
        "others_off_share": others.off_share,
        "head_is_embedding": _head_is_embedding(exported),
    }


def _change(
    name: str,
    before: torch.Tensor,
    live: Mapping[str, torch.Tensor],
    adapter: Mapping[str, torch.Tensor],
    lora_scale: float,
    *,
    uses_lora: bool,
) -> torch.Tensor | None:
    """Return what training added to a tensor; None if it was not trained."""
    if uses_lora:
        first = adapter.get(name.removesuffix(".weight") + LORA_A)
        second = adapter.get(name.removesuffix(".weight") + LORA_B)
        return None if first is None or second is None else lora_scale * (second @ first)
    return values_of(live[name]).detach().float().cpu() - before if name in live else None


def _head_is_embedding(exported: Tensors) -> bool | None:
    """True if a stored lm_head equals the embedding; None if none is stored."""
    if HEAD not in exported.names:
        return None
    return bool(torch.equal(exported.read(HEAD), exported.read("model.embed_tokens.weight")))


class Tensors:
    """The tensors of a folder's safetensors files, read one at a time as float32."""

    def __init__(self, folder: Path) -> None:
        index = folder / "model.safetensors.index.json"
        if index.is_file():
            files = {folder / name for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
        else:
            files = {folder / "model.safetensors"}
        self._files = sorted(files)
        self._where = {name: path for path in self._files for name in names_in(path)}

    @property
    def names(self) -> set[str]:
        """Names of all tensors."""
        return set(self._where)

    def read(self, name: str) -> torch.Tensor:
        """Return a tensor as float32."""
        with safe_open(self._where[name], framework="pt") as file:
            values: torch.Tensor = file.get_tensor(name)
        return values.float()

    def dtypes(self) -> set[str]:
        """Return the dtypes of the matrices."""
        return set(self._dtypes())

    def _dtypes(self) -> Iterator[str]:
        for path in self._files:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118
                    part = file.get_slice(name)
                    if len(part.get_shape()) > 1:
                        yield part.get_dtype()


def names_in(path: Path) -> list[str]:
    """Return the names of the tensors in a safetensors file."""
    with safe_open(path, framework="pt") as file:
        return list(file.keys())
