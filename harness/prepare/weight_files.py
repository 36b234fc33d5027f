"""The weight files of a model folder, as transformers chooses them, and whether they are complete.

transformers reads model.safetensors, or else the files that model.safetensors.index.json names. Other files in the
folder do not belong to the model. Only headers are read here.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from harness.errors import ModelError
from harness.job.job import ModelShape
from harness.prepare.weights import model_tensors
from harness.text.names import first_names

WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"
DTYPES = ("F32", "BF16", "F16")
"""dtypes that can be trained directly. Others belong to quantized weights."""
LENGTH_BYTES = 8
"""Length of the number before a safetensors header, which is the header's length."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a safetensors file says about one tensor."""

    file: Path
    dtype: str
    size: tuple[int, ...]


def weight_files(folder: Path, shape: ModelShape) -> tuple[str, ...]:
    """Return the names of the files that hold the tensors of `shape`, each once. Raises ModelError if they do not."""
    if (folder / WHOLE).is_file():
        names: tuple[str, ...] = (WHOLE,)
        mapped = None
    elif (folder / INDEX).is_file():
        mapped = _index(folder / INDEX)
        names = tuple(sorted(set(mapped.values())))
    else:
        raise ModelError(f"{folder}: has neither {WHOLE} nor {INDEX} (pickled weights are never loaded)")
    headers: dict[str, Header] = {}
    for name in names:
        for tensor, header in _headers(folder / name).items():
            if tensor in headers:
                raise ModelError(f"{folder / name}: {tensor} is in {headers[tensor].file.name} too")
            headers[tensor] = header
    if mapped is not None:
        _check_index(folder / INDEX, mapped, headers)
    _check_tensors(folder, shape, headers)
    return names


def are_all_there(folder: Path) -> bool:
    """True if every weight file exists, whatever its content: a download may have been broken off."""
    if (folder / WHOLE).is_file():
        return True
    try:
        names = set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values())
        return bool(names) and all((folder / name).is_file() for name in names)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def _index(path: Path) -> dict[str, str]:
    """Return the file of each tensor."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: is not JSON ({error})") from error
    mapped = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(mapped, dict) or not mapped or not all(isinstance(name, str) for name in mapped.values()):
        raise ModelError(f"{path}: weight_map must say of each tensor in which file it is")
    if not isinstance(content.get("metadata"), dict):
        raise ModelError(f"{path}: has no metadata, without which transformers does not read it; add an empty one")
    for name in sorted(set(mapped.values())):
        if "/" in name or not name.endswith(".safetensors"):
            raise ModelError(f"{path}: names {name!r}, which is no .safetensors file beside it")
        if not (path.parent / name).is_file():
            raise ModelError(f"{path}: names {name}, which is missing")
    return mapped


def _headers(path: Path) -> dict[str, Header]:
    """Return the header's tensors by name. The library checks the header against the file's length."""
    try:
        with safe_open(path, framework="numpy") as file:
            parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            return {
                name: Header(file=path, dtype=part.get_dtype(), size=tuple(part.get_shape()))
                for name, part in parts.items()
            }
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path}: is damaged, or no safetensors file ({error})") from error


def _check_index(path: Path, mapped: Mapping[str, str], headers: Mapping[str, Header]) -> None:
    if unmapped := sorted(headers.keys() - mapped.keys()):
        raise ModelError(f"{path}: does not name {first_names(unmapped)}, which its files hold")
    misplaced = [name for name, file in mapped.items() if name not in headers or headers[name].file.name != file]
    if misplaced:
        raise ModelError(f"{path}: names {mapped[misplaced[0]]} for {first_names(misplaced)}, which it does not hold")


def _check_tensors(folder: Path, shape: ModelShape, headers: Mapping[str, Header]) -> None:
    due = dict(model_tensors(shape))
    missing = [name for name in due if name not in headers]
    if missing:
        advice = "; or the model is one with tie_word_embeddings" if missing == [HEAD] else ""
        raise ModelError(f"{folder}: its weights lack {first_names(missing)}{advice}")
    extra = sorted(headers.keys() - due.keys() - {HEAD})
    if extra:
        raise ModelError(
            f"{folder}: its weights hold {first_names(extra)}, which are no part of the model of config.json"
        )
    for name, header in headers.items():
        size = due.get(name, due[EMBEDDING])
        if header.size != size:
            raise ModelError(f"{header.file}: {name} is {list(header.size)}, by config.json it must be {list(size)}")
        if header.dtype not in DTYPES:
            raise ModelError(f"{header.file}: {name} is stored as {header.dtype}; must be {' or '.join(DTYPES)}")
    if HEAD in headers and HEAD not in due and not _same_bytes(headers[HEAD], headers[EMBEDDING]):
        raise ModelError(
            f"{headers[HEAD].file}: {HEAD} is another than the embedding, to which config.json ties it "
            "(tie_word_embeddings), so some frameworks would train one and some the other"
        )


def _same_bytes(first: Header, other: Header) -> bool:
    """True if two tensors hold the same bytes. Neither is read into memory whole."""
    if (first.dtype, first.size) != (other.dtype, other.size):
        return False
    with _bytes_of(HEAD, first.file) as head, _bytes_of(EMBEDDING, other.file) as embedding:
        return head == embedding


def _bytes_of(tensor: str, path: Path) -> memoryview:
    with path.open("rb") as file:
        mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    start = LENGTH_BYTES + int.from_bytes(mapped[:LENGTH_BYTES], "little")
    described: dict[str, Any] = json.loads(bytes(mapped[LENGTH_BYTES:start]))
    begin, end = described[tensor]["data_offsets"]
    return mapped[start + begin : start + end]
