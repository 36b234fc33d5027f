"""The tensors of a GGUF file by ggml's own reader, which llama.cpp brings.

The package gguf has a reader too, which builds 300,000 Python objects for a tokenizer: 7 s a file.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import llama_cpp


class _InitParams(ctypes.Structure):
    _fields_ = [("no_alloc", ctypes.c_bool), ("context", ctypes.c_void_p)]


@dataclass(frozen=True, kw_only=True, slots=True)
class GgufTensor:
    """One tensor of a file."""

    name: str
    kind: str
    """ggml's name of its type, like q4_K."""
    size: int
    """In bytes."""
    offset: int
    """Where it begins in the file."""


def tensors_of(path: Path) -> Iterator[GgufTensor]:
    """Yield the tensors of a GGUF file. Raises ValueError if ggml does not read it."""
    ggml = _ggml()
    handle = ggml.gguf_init_from_file(str(path).encode(), _InitParams(no_alloc=True, context=None))
    if not handle:
        raise ValueError(f"ggml does not read {path.name}")
    start = int(ggml.gguf_get_data_offset(handle))
    try:
        for index in range(ggml.gguf_get_n_tensors(handle)):
            yield GgufTensor(
                name=ggml.gguf_get_tensor_name(handle, index).decode(),
                kind=ggml.ggml_type_name(ggml.gguf_get_tensor_type(handle, index)).decode(),
                size=int(ggml.gguf_get_tensor_size(handle, index)),
                offset=start + int(ggml.gguf_get_tensor_offset(handle, index)),
            )
    finally:
        ggml.gguf_free(handle)


def _ggml() -> ctypes.CDLL:
    """Return ggml's library with the types of what is called."""
    library = next((Path(llama_cpp.__file__).parent / "lib").glob("libggml-base.*"))
    ggml = ctypes.CDLL(str(library))
    index = ctypes.c_int64
    for name, arguments, result in (
        ("gguf_init_from_file", [ctypes.c_char_p, _InitParams], ctypes.c_void_p),
        ("gguf_get_n_tensors", [ctypes.c_void_p], index),
        ("gguf_get_data_offset", [ctypes.c_void_p], ctypes.c_size_t),
        ("gguf_get_tensor_offset", [ctypes.c_void_p, index], ctypes.c_size_t),
        ("gguf_get_tensor_name", [ctypes.c_void_p, index], ctypes.c_char_p),
        ("gguf_get_tensor_type", [ctypes.c_void_p, index], ctypes.c_int),
        ("gguf_get_tensor_size", [ctypes.c_void_p, index], ctypes.c_size_t),
        ("ggml_type_name", [ctypes.c_int], ctypes.c_char_p),
        ("gguf_free", [ctypes.c_void_p], None),
    ):
        function = getattr(ggml, name)
        function.argtypes, function.restype = arguments, result
    return ggml
