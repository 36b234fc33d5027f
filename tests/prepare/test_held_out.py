"""Held-out blocks follow the job's, are none of them, and are refused where the text is too short or repeats itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from harness.errors import DatasetError
from harness.files.locations import cache_root
from harness.job.job import Job
from harness.prepare import prepare
from harness.prepare.blocks import block_hashes, cut_blocks, hashes_of
from harness.prepare.corpus import open_corpus
from harness.prepare.held_out import held_out_blocks
from harness.prepare.tokenizer import tokenizer_in


def on_text(job: Job, path: Path, text: str) -> Job:
    path.write_text(text, encoding="utf-8")
    return dataclasses.replace(job, dataset=str(path), dataset_config=None, dataset_revision=None)


def test_held_out_blocks_follow_the_jobs_and_are_none_of_them(small_job: Job) -> None:
    inputs = prepare(small_job, cache_root())
    held_out = held_out_blocks(small_job, inputs, cache_root(), 3)
    blocks = np.load(held_out.path)
    assert blocks.shape == (3, small_job.sequence_length)
    assert not set(hashes_of(blocks)) & set(block_hashes(Path(inputs.blocks_path)))
    longer = dataclasses.replace(small_job, max_steps=small_job.max_steps + 3)
    tokenizer = tokenizer_in(Path(inputs.model_path))
    all_blocks = cut_blocks(longer, open_corpus(longer, cache_root()), tokenizer)
    assert (all_blocks[small_job.blocks : small_job.blocks + 3] == blocks).all()


def test_a_text_without_more_blocks_is_refused(small_job: Job, tmp_path: Path) -> None:
    job = on_text(
        small_job, tmp_path / "short.txt", "one two three " * (small_job.blocks * small_job.sequence_length // 3)
    )
    inputs = prepare(job, cache_root())
    with pytest.raises(DatasetError, match="more must be held out; give a longer --dataset"):
        held_out_blocks(job, inputs, cache_root(), 100)


def test_a_text_that_repeats_itself_is_refused(small_job: Job, tmp_path: Path) -> None:
    needed = (small_job.blocks + 8) * small_job.sequence_length
    job = on_text(small_job, tmp_path / "same.txt", "the " * needed)
    inputs = prepare(job, cache_root())
    with pytest.raises(DatasetError, match="held-out blocks are among those that are trained on"):
        held_out_blocks(job, inputs, cache_root(), 4)
