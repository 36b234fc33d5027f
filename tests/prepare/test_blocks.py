from __future__ import annotations

import dataclasses
import json
import subprocess
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from harness.environment.environment import Environment
from harness.errors import DatasetError, ModelError
from harness.files.locations import cache_root
from harness.job.job import Job
from harness.prepare.blocks import cut_blocks, save_blocks
from harness.prepare.corpus import Corpus, open_corpus
from harness.prepare.tokenizer import TOKENIZER_SHA256, TokenizerFiles, qwen3_tokenizer
from tests.conftest import REAL_TEXT

PROSE = "The committee met again in the spring. It reached no decision, and said so. "


@pytest.fixture(scope="module")
def tokenizer() -> TokenizerFiles:
    return qwen3_tokenizer(cache_root())


def corpus_of(*documents: str, is_stand_in: bool = False) -> Corpus:
    return Corpus(documents=lambda: iter(documents), source="a test's corpus", is_stand_in=is_stand_in)


def test_the_offline_tokenizer_is_the_hubs(tokenizer: TokenizerFiles) -> None:
    encoder = Tokenizer.from_file(str(tokenizer.path / "tokenizer.json"))
    assert tokenizer.sha256 == TOKENIZER_SHA256
    assert encoder.get_vocab_size() == 151_669
    assert encoder.token_to_id("<|endoftext|>") == 151_643
    text = unicodedata.normalize("NFC", "Größe, naïve, 日本語, \U0001f600")
    assert encoder.decode(encoder.encode(text).ids) == text


def test_blocks_are_the_text_cut_without_a_gap(small_job: Job, tokenizer: TokenizerFiles) -> None:
    blocks = cut_blocks(small_job, corpus_of(PROSE * 100), tokenizer)
    assert blocks.shape == (small_job.blocks, small_job.sequence_length)
    encoder = Tokenizer.from_file(str(tokenizer.path / "tokenizer.json"))
    assert (PROSE * 100).startswith(encoder.decode(blocks.reshape(-1).tolist()))


def test_documents_are_joined_by_the_end_of_text_token(small_job: Job, tokenizer: TokenizerFiles) -> None:
    blocks = cut_blocks(small_job, corpus_of("One.", *[PROSE] * 100), tokenizer)
    tokens = blocks.reshape(-1).tolist()
    assert tokens[tokens.index(151_643) - 1] == tokens[1]
    assert tokens.count(151_643) > 10


def test_a_corpus_too_short_is_refused_with_what_would_fit(small_job: Job, tokenizer: TokenizerFiles) -> None:
    with pytest.raises(DatasetError, match=r"has 19 tokens, the job needs 512 .*; give a longer"):
        cut_blocks(small_job, corpus_of(PROSE), tokenizer)
    with pytest.raises(DatasetError, match=r"at most --set max_steps=1 fits"):
        cut_blocks(small_job, corpus_of(PROSE * 10), tokenizer)


def test_only_the_stand_in_is_repeated(small_job: Job, tokenizer: TokenizerFiles) -> None:
    blocks = cut_blocks(small_job, corpus_of(PROSE, is_stand_in=True), tokenizer).reshape(-1)
    assert np.array_equal(blocks[:19], blocks[19:38])


def test_a_vocabulary_that_is_too_small_is_refused(tiny_job: Job, tokenizer: TokenizerFiles) -> None:
    with pytest.raises(ModelError, match=r"vocab_size = 512.*151936"):
        cut_blocks(tiny_job, corpus_of(PROSE * 100), tokenizer)


def test_every_version_of_datasets_reads_the_same_blocks(
    small_job: Job, tokenizer: TokenizerFiles, environments: dict[str, Environment], empty_cache: Path
) -> None:
    blocks = cut_blocks(small_job, corpus_of(PROSE * 100), tokenizer)
    path, _ = save_blocks(blocks, empty_cache)
    code = (
        "import datasets, json, sys; rows = datasets.load_from_disk(sys.argv[1]); "
        "print(json.dumps({name: rows[name][:] for name in rows.column_names}))"
    )
    for framework in ("transformers", "axolotl", "llamafactory"):
        python = str(environments[framework].python)
        printed = subprocess.run([python, "-c", code, str(path)], capture_output=True, text=True, check=True).stdout
        columns = json.loads(printed)
        assert np.array_equal(columns["input_ids"], blocks)
        assert np.all(np.array(columns["attention_mask"]) == 1)
        labels = np.array(columns["labels"])
        assert np.all(labels[:, 0] == -100)
        assert np.array_equal(labels[:, 1:], blocks[:, 1:])


def test_the_same_tokens_lie_in_the_same_folder(empty_cache: Path) -> None:
    blocks = np.arange(64, dtype=np.int64).reshape(2, 32)
    path, sha256 = save_blocks(blocks, empty_cache)
    assert save_blocks(blocks.copy(), empty_cache) == (path, sha256)
    assert save_blocks(blocks[::-1].copy(), empty_cache)[1] != sha256


@pytest.mark.skipif(not REAL_TEXT.is_file(), reason="the FineWeb-Edu sample is not on this machine")
def test_the_fineweb_edu_sample_is_read_to_its_last_token(small_job: Job, tokenizer: TokenizerFiles) -> None:
    job = dataclasses.replace(small_job, dataset=str(REAL_TEXT), sequence_length=128, max_steps=500)
    with pytest.raises(DatasetError, match=r"has 218,106 tokens"):
        cut_blocks(job, open_corpus(job, cache_root()), tokenizer)
