"""Token blocks of exactly sequence_length, so that no framework shuffles, packs, pads or masks."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from harness.errors import DatasetError, ModelError
from harness.files.cache import cached_folder
from harness.job.job import Job
from harness.prepare.corpus import Corpus
from harness.prepare.tokenizer import DOCUMENT_END, TokenizerFiles

Tokens = npt.NDArray[np.int64]
IGNORED_LABEL = -100
ENCODE_AT_ONCE = 64
DATA_FILE = "data-00000-of-00001.arrow"


def cut_blocks(job: Job, corpus: Corpus, tokenizer: TokenizerFiles, *, repeat: bool = False) -> Tokens:
    """Return the job's blocks, shape [blocks, sequence_length]. Raises DatasetError if the corpus is too short.

    The end-of-text token joins documents. Only the stand-in repeats if it is too short, unless `repeat`.
    """
    stream = _stream(job, corpus, tokenizer)
    needed = job.blocks * job.sequence_length
    tokens = np.fromiter(itertools.islice(stream, needed), dtype=np.int64)
    if (corpus.is_stand_in or repeat) and 0 < len(tokens) < needed:
        tokens = np.resize(tokens, needed)
    if len(tokens) < needed:
        fitting = len(tokens) // job.tokens_per_step
        advice = f"at most --set max_steps={fitting} fits, or give" if fitting else "give"
        raise DatasetError(
            f"{corpus.source}: has {len(tokens):,} tokens, the job needs {needed:,} "
            f"({job.max_steps} steps of {job.tokens_per_step:,}); {advice} a longer --dataset"
        )
    if int(tokens.max()) >= job.shape.vocab_size:
        raise _too_few_words(job, int(tokens.max()) + 1)
    return tokens.reshape(job.blocks, job.sequence_length)


def cut_held_out(job: Job, corpus: Corpus, tokenizer: TokenizerFiles, count: int) -> Tokens:
    """Return the `count` blocks that follow the job's in the corpus. Raises DatasetError if it has too few.

    They never repeat the corpus, and no block that the job trains on is among them.
    """
    longer = (job.blocks + count) * job.sequence_length
    tokens = np.fromiter(itertools.islice(_stream(job, corpus, tokenizer), longer), dtype=np.int64)
    if len(tokens) < longer:
        raise DatasetError(
            f"{corpus.source}: has {len(tokens):,} tokens; the job trains on {job.blocks * job.sequence_length:,} and "
            f"{count * job.sequence_length:,} more must be held out; give a longer --dataset or fewer --set max_steps"
        )
    blocks = tokens.reshape(-1, job.sequence_length)
    trained, held_out = blocks[: job.blocks], blocks[job.blocks :]
    if shared := set(hashes_of(trained)) & set(hashes_of(held_out)):
        raise DatasetError(
            f"{corpus.source}: {len(shared)} of the {count} held-out blocks are among those that are trained on; "
            "give a --dataset that does not repeat itself"
        )
    return held_out


def hashes_of(blocks: Iterable[Tokens]) -> list[str]:
    """Return the sha256 of each block's tokens as int64, in order."""
    return [tokens_sha256(block) for block in blocks]


def tokens_sha256(tokens: Tokens) -> str:
    """Return the sha256 of tokens as int64."""
    return hashlib.sha256(tokens.astype("<i8").tobytes()).hexdigest()


def save_blocks(blocks: Tokens, cache: Path) -> tuple[Path, str]:
    """Write a folder that `datasets.load_from_disk` reads. Return the hash of its tokens."""
    sha256 = tokens_sha256(blocks)
    key = {"tokens": sha256, "sequence_length": blocks.shape[1], "format": 1}
    return cached_folder(cache, "blocks", key, lambda folder: _write(blocks, sha256, folder)), sha256


def block_hashes(folder: Path) -> list[str]:
    """Return the sha256 of each saved block's tokens as int64, in order."""
    path = folder / DATA_FILE
    with pa.OSFile(str(path)) as source, pa.ipc.open_stream(source) as reader:
        rows = reader.read_all().column("input_ids")
    return hashes_of([np.asarray(row) for row in rows.to_pylist()])


def _stream(job: Job, corpus: Corpus, tokenizer: TokenizerFiles) -> Iterator[int]:
    if corpus.tokens is not None:
        if corpus.tokenizer_sha256 != tokenizer.sha256:
            raise DatasetError(f"{corpus.source}: was tokenized by another tokenizer than the model's")
        return corpus.tokens()
    from tokenizers import Tokenizer

    try:
        encoder = Tokenizer.from_file(str(tokenizer.path / "tokenizer.json"))
    except Exception as error:  # The library raises nothing narrower.
        raise ModelError(f"{tokenizer.path / 'tokenizer.json'}: cannot be read ({error})") from error
    end = encoder.token_to_id(DOCUMENT_END)
    if end is None:
        raise ModelError(f"{tokenizer.path}: its tokenizer has no {DOCUMENT_END}, so it is not Qwen3's")
    if encoder.get_vocab_size() > job.shape.vocab_size:
        # Axolotl would enlarge the embedding.
        raise _too_few_words(job, encoder.get_vocab_size())

    def documents() -> Iterator[Sequence[int]]:
        texts = corpus.documents()
        while batch := list(itertools.islice(texts, ENCODE_AT_ONCE)):
            for encoding in encoder.encode_batch_fast(batch, add_special_tokens=False):
                yield encoding.ids
                yield (end,)

    return itertools.chain.from_iterable(documents())


def _too_few_words(job: Job, needed: int) -> ModelError:
    return ModelError(
        f"shape.vocab_size = {job.shape.vocab_size}: the tokenizer needs {needed:,}; "
        "Qwen3's vocabulary has 151936 entries"
    )


def _write(blocks: Tokens, sha256: str, folder: Path) -> None:
    """Write one Arrow stream with the two small files of a saved `datasets` folder (4.0 and newer read it)."""
    labels = blocks.copy()
    # The first token of a block predicts nothing, but versions differ in whether they count it.
    labels[:, 0] = IGNORED_LABEL
    columns = {"input_ids": blocks, "attention_mask": np.ones_like(blocks), "labels": labels}
    features = {name: {"feature": {"dtype": "int64", "_type": "Value"}, "_type": "List"} for name in columns}
    schema = pa.schema(
        [pa.field(name, pa.list_(pa.int64())) for name in columns],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    arrays = [pa.array(list(values), type=pa.list_(pa.int64())) for values in columns.values()]
    with pa.OSFile(str(folder / DATA_FILE), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(pa.table(arrays, schema=schema))
    state: dict[str, Any] = {
        "_data_files": [{"filename": DATA_FILE}],
        "_fingerprint": sha256[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}), encoding="utf-8")
