"""A GGUF file loaded by llama.cpp, and sequences of tokens decoded with it."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

TOKENS_AT_ONCE = 128
"""Tokens per call where every logit is read: each has as many logits as the vocabulary has entries."""
F32, F16 = 0, 1
"""ggml's numbers of these types."""
FLASH_ATTENTION_OFF = 0


class Engine:
    """A loaded model. Its weights are mapped from the file, as llama.cpp does by default."""

    def __init__(self, path: Path, *, vocabulary_only: bool = False) -> None:
        """Raises ValueError if llama.cpp does not load the file; its words are in the log."""
        llama_cpp.llama_backend_init()
        options = llama_cpp.llama_model_default_params()
        options.n_gpu_layers = 0
        options.vocab_only = vocabulary_only
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), options)
        if not self._model:
            raise ValueError(f"llama.cpp does not load {path.name}")
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self.entries = int(llama_cpp.llama_vocab_n_tokens(self._vocabulary))

    def close(self) -> None:
        """Free the model."""
        llama_cpp.llama_model_free(self._model)

    def tokenize(self, text: str) -> list[int]:
        """Return the ids of a text, special tokens in it included, without an added beginning."""
        raw = text.encode()
        found = (ctypes.c_int32 * (len(raw) + 8))()
        count = llama_cpp.llama_tokenize(self._vocabulary, raw, len(raw), found, len(found), False, True)
        if count < 0:
            raise ValueError(f"llama.cpp could not tokenize a text of {len(raw)} bytes")
        return list(found[:count])

    @contextlib.contextmanager
    def context(self, tokens: int, threads: int, *, exact: bool = False) -> Iterator[Context]:
        """A context for `tokens` tokens. `exact`: a float32 cache and plain attention, to compare numbers."""
        options = llama_cpp.llama_context_default_params()
        options.n_ctx = tokens
        options.n_threads = options.n_threads_batch = threads
        if exact:
            options.type_k = options.type_v = F32
            options.flash_attn_type = FLASH_ATTENTION_OFF
        handle = llama_cpp.llama_init_from_model(self._model, options)
        if not handle:
            raise ValueError(f"llama.cpp has no room for a context of {tokens:,} tokens")
        try:
            yield Context(handle, self.entries)
        finally:
            llama_cpp.llama_free(handle)


class Context:
    """One sequence of tokens."""

    def __init__(self, handle: Any, entries: int) -> None:
        self._handle = handle
        self._entries = entries
        self._length = 0

    def clear(self) -> None:
        """Begin a new sequence."""
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._handle), True)
        self._length = 0

    def use_threads(self, threads: int) -> None:
        """Compute with this many threads from now on."""
        llama_cpp.llama_set_n_threads(self._handle, threads, threads)

    def decode(self, tokens: Sequence[int], *, every_logit: bool = False) -> npt.NDArray[np.float32]:
        """Add tokens. Return the logits of the last one, or of each; [tokens, entries], valid until the next call."""
        batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
        try:
            batch.n_tokens = len(tokens)
            for index, token in enumerate(tokens):
                batch.token[index] = int(token)
                batch.pos[index] = self._length + index
                batch.n_seq_id[index] = 1
                batch.seq_id[index][0] = 0
                batch.logits[index] = every_logit or index == len(tokens) - 1
            if status := llama_cpp.llama_decode(self._handle, batch):
                raise ValueError(f"llama.cpp could not decode {len(tokens)} tokens (status {status})")
        finally:
            llama_cpp.llama_batch_free(batch)
        self._length += len(tokens)
        rows = len(tokens) if every_logit else 1
        return np.ctypeslib.as_array(llama_cpp.llama_get_logits(self._handle), shape=(rows, self._entries))
