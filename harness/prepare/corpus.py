"""Documents to train on: FineWeb-Edu from the hub, a local file, or a labelled stand-in that comes with Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from harness.errors import DatasetError
from harness.files.cache import cached_folder, folder_of
from harness.files.typed_path import existing
from harness.job.inputs import INSTEAD
from harness.job.job import TEXT_COLUMN, Job
from harness.prepare.dataset_files import ALLOWED, documents_in, is_text_name, text_files_in, texts_of_parquet
from harness.prepare.hub import hub_answers, hub_errors, snapshot_in_cache
from harness.prepare.pretokenized import is_pretokenized, read_about, tokens_in

DOCUMENTS = "documents.parquet"
FIRST_SHARD = re.compile(r"^[^0-9]*0+[^0-9]")
"""The first shard's name, like 000_00000.parquet or train-00000-of-00014.parquet."""
MEAN_BYTES_PER_TOKEN = 4.6
"""Measured on FineWeb-Edu with the Qwen3 tokenizer (1,004,029 B of it are 218,105 tokens)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Corpus:
    """A stream of documents, and the words that every report shows about it."""

    documents: Callable[[], Iterator[str]]
    source: str
    is_stand_in: bool = False
    tokens: Callable[[], Iterator[int]] | None = None
    """Tokens of a corpus that is already tokenized, which has no documents."""
    tokenizer_sha256: str | None = None
    """sha256 of the tokenizer that made the tokens."""


def open_corpus(job: Job, cache: Path) -> Corpus:
    """Return the job's corpus, or the stand-in if its hub dataset cannot be had. Raises DatasetError."""
    path = existing(job.dataset)
    if path is not None and (path.is_file() or path.is_dir()):
        return _local(path, job.text_column)
    if path is not None or not _is_hub_name(job.dataset):
        raise DatasetError(
            f"dataset {job.dataset}: {'no such file or folder' if path is None else 'is no file'}; "
            f"give {ALLOWED}, a folder of such files, or a hub dataset like HuggingFaceFW/fineweb-edu"
        )
    if (from_hub := _from_hub(job, cache)) is not None:
        return from_hub
    if job.dataset_revision is None:
        raise DatasetError(f"dataset {job.dataset}: is no file here, and the hub does not answer; give --dataset PATH")
    return Corpus(
        documents=python_topics,
        source=f"stand-in: Python's pydoc_data.topics{INSTEAD}{job.dataset}: the hub does not answer)",
        is_stand_in=True,
    )


def _is_hub_name(dataset: str) -> bool:
    """True if a name can be that of a hub dataset, like HuggingFaceFW/fineweb-edu, and not only that of a file."""
    return dataset.count("/") == 1 and not dataset.startswith((".", "/", "~")) and not is_text_name(Path(dataset).name)


def _local(path: Path, column: str) -> Corpus:
    files = text_files_in(path)
    if len(files) == 1 and is_pretokenized(files[0]):
        about = read_about(files[0])
        return Corpus(
            documents=lambda: iter(()),
            source=about.source,
            is_stand_in=about.is_stand_in,
            tokens=lambda: tokens_in(files[0]),
            tokenizer_sha256=about.tokenizer_sha256,
        )
    what = "file" if path.is_file() else "folder"
    return Corpus(documents=lambda: documents_in(files, column), source=f"local {what} {path.name}")


def python_topics() -> Iterator[str]:
    """Yield the help texts that come with CPython: about 80 documents of English prose."""
    from pydoc_data.topics import topics

    for name in sorted(topics):
        yield topics[name]


def _from_hub(job: Job, cache: Path) -> Corpus | None:
    """Return as many documents of the first parquet shards as the job needs, kept for the next run.

    None if they are in no cache and the hub does not answer.
    """
    needed_bytes = int(job.blocks * job.sequence_length * MEAN_BYTES_PER_TOKEN * 1.5)
    key = {
        "dataset": job.dataset,
        "config": job.dataset_config,
        "revision": job.dataset_revision,
        **({} if job.text_column == TEXT_COLUMN else {"column": job.text_column}),
        "bytes": needed_bytes,
    }
    folder = folder_of(cache, "corpora", key)
    if not folder.is_dir():
        from_client = _from_client_cache(job, needed_bytes, key, cache)
        if from_client is not None and (_bytes_in(from_client) >= needed_bytes or not hub_answers()):
            folder = from_client
        elif hub_answers():
            cached_folder(cache, "corpora", key, lambda place: _gather(job, _on_hub(job), needed_bytes, place))
        else:
            return None
    path = folder / DOCUMENTS
    name = f"{job.dataset} {job.dataset_config or ''}".strip()
    source = f"{name} at {job.dataset_revision or 'main'}, from the hub"
    return Corpus(documents=lambda: documents_in([path], TEXT_COLUMN), source=source)


def _inside(job: Job) -> str:
    """FineWeb-Edu keeps config "sample-10BT" under sample/10BT/ and a dump's under data/<dump>/."""
    return (job.dataset_config or "data").replace("sample-", "sample/")


def _from_client_cache(job: Job, needed_bytes: int, key: Mapping[str, Any], cache: Path) -> Path | None:
    """Return documents of the first shard from the hub client's cache, at the pinned revision: a branch may move.

    Another shard would be another text.
    """
    folder = snapshot_in_cache(job.dataset, job.dataset_revision, kind="dataset") if job.dataset_revision else None
    shards = [] if folder is None else sorted((folder / _inside(job)).glob("*.parquet"))
    if not shards or not FIRST_SHARD.search(shards[0].name):
        return None
    first = shards[0]
    full_key = {**key, "shard": first.name, "size": first.stat().st_size}

    def make(place: Path) -> None:
        _gather(job, [(first.name, first.open("rb"))], needed_bytes, place)

    return cached_folder(cache, "corpora", full_key, make)


def _bytes_in(folder: Path) -> int:
    return sum(len(text.encode()) for text in documents_in([folder / DOCUMENTS], TEXT_COLUMN))


def _on_hub(job: Job) -> Iterator[tuple[str, BinaryIO]]:
    from huggingface_hub import HfFileSystem

    files = HfFileSystem()
    revision = f"@{job.dataset_revision}" if job.dataset_revision else ""
    for shard in sorted(files.glob(f"datasets/{job.dataset}{revision}/{_inside(job)}/*.parquet")):
        yield shard, files.open(shard, "rb")


def _gather(job: Job, shards: Iterable[tuple[str, BinaryIO]], needed_bytes: int, folder: Path) -> None:
    """Write the first documents of the shards, in the order of their names, up to that many bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts: list[str] = []
    size = 0
    try:
        for name, shard in shards:
            with shard:
                for text in texts_of_parquet(pq.ParquetFile(shard), name, job.text_column):
                    texts.append(text)
                    size += len(text.encode())
                    if size >= needed_bytes:
                        break
            if size >= needed_bytes:
                break
    except (*hub_errors(), pa.ArrowException) as error:
        raise DatasetError(f"{job.dataset}: could not be read from the hub ({error}); give --dataset PATH") from error
    if not texts:
        raise DatasetError(f"{job.dataset}: the hub has no parquet files under {_inside(job)}/; give --dataset PATH")
    pq.write_table(pa.table({TEXT_COLUMN: texts}), folder / DOCUMENTS)
