"""A corpus of ready tokens, for a machine without the text or without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import DatasetError

TOKENS_COLUMN = "input_ids"
ABOUT = b"finetuning_harness"


class About(BaseModel):
    """The metadata of a file of tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    is_stand_in: bool
    tokenizer_sha256: str


def write_pretokenized(path: Path, blocks: npt.NDArray[np.int64], about: About) -> None:
    """Write blocks, shape [blocks, sequence_length], as parquet."""
    schema = pa.schema([pa.field(TOKENS_COLUMN, pa.list_(pa.int32()))], metadata={ABOUT: about.model_dump_json()})
    column = pa.array(list(blocks.astype(np.int32)), type=pa.list_(pa.int32()))
    pq.write_table(pa.table([column], schema=schema), path, compression="zstd")


def is_pretokenized(path: Path) -> bool:
    """True if a parquet file holds tokens and no text."""
    try:
        return TOKENS_COLUMN in pq.read_schema(path).names
    except (pa.ArrowException, OSError):
        return False


def read_about(path: Path) -> About:
    """Return where a file's tokens come from. Raises DatasetError if it does not say."""
    metadata: dict[bytes, Any] = pq.read_schema(path).metadata or {}
    try:
        return About.model_validate(json.loads(metadata.get(ABOUT, b"{}")))
    except (ValidationError, ValueError) as error:
        raise DatasetError(
            f"{path}: has a column {TOKENS_COLUMN!r} and does not say of which text and tokenizer; "
            "give text, or the blocks that `harness bundle` writes"
        ) from error


def tokens_in(path: Path) -> Iterator[int]:
    """Yield all tokens of a file, block after block."""
    try:
        for batch in pq.ParquetFile(path).iter_batches(columns=[TOKENS_COLUMN]):
            yield from batch.column(0).flatten().to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"{path}: is damaged ({error})") from error
