"""Token blocks that were cut on another machine give the very same blocks here."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import DatasetError
from harness.job.job import Job
from harness.prepare.blocks import cut_blocks
from harness.prepare.corpus import open_corpus
from harness.prepare.pretokenized import About, write_pretokenized
from harness.prepare.tokenizer import TokenizerFiles

TOKENIZER = TokenizerFiles(path=Path("/nowhere"), source="", sha256="1234")
ABOUT = About(source="local file prose.txt", is_stand_in=False, tokenizer_sha256="1234")


@pytest.fixture
def carried(small_job: Job, tmp_path: Path) -> tuple[Job, np.ndarray]:
    blocks = np.random.default_rng(0).integers(0, 151_000, (small_job.blocks, small_job.sequence_length))
    path = tmp_path / "blocks.parquet"
    write_pretokenized(path, blocks, ABOUT)
    return dataclasses.replace(small_job, dataset=str(path)), blocks


def test_the_blocks_are_the_same_and_so_are_the_words_about_them(
    carried: tuple[Job, np.ndarray], tmp_path: Path
) -> None:
    job, blocks = carried
    corpus = open_corpus(job, tmp_path)
    assert corpus.source == "local file prose.txt"
    assert not corpus.is_stand_in
    assert np.array_equal(cut_blocks(job, corpus, TOKENIZER), blocks)


def test_a_job_with_shorter_blocks_takes_the_same_tokens(carried: tuple[Job, np.ndarray], tmp_path: Path) -> None:
    job, blocks = carried
    half = dataclasses.replace(job, sequence_length=job.sequence_length // 2)
    cut = cut_blocks(half, open_corpus(half, tmp_path), TOKENIZER)
    assert np.array_equal(cut.ravel(), blocks.ravel()[: cut.size])


def test_a_longer_job_than_they_were_cut_for_is_refused(carried: tuple[Job, np.ndarray], tmp_path: Path) -> None:
    job, _ = carried
    longer = dataclasses.replace(job, max_steps=job.max_steps * 2)
    with pytest.raises(DatasetError, match=f"--set max_steps={job.max_steps} fits"):
        cut_blocks(longer, open_corpus(longer, tmp_path), TOKENIZER)


def test_tokens_of_another_tokenizer_are_refused(carried: tuple[Job, np.ndarray], tmp_path: Path) -> None:
    job, _ = carried
    other = dataclasses.replace(TOKENIZER, sha256="5678")
    with pytest.raises(DatasetError, match="another tokenizer"):
        cut_blocks(job, open_corpus(job, tmp_path), other)


def test_tokens_that_do_not_say_where_they_come_from_are_refused(small_job: Job, tmp_path: Path) -> None:
    path = tmp_path / "tokens.parquet"
    pq.write_table(pa.table({"input_ids": [[1, 2], [3, 4]]}), path)
    with pytest.raises(DatasetError, match="does not say of which text and tokenizer"):
        open_corpus(dataclasses.replace(small_job, dataset=str(path)), tmp_path)
