"""Blocks that no job trains on: what was learned, and what quantization costs, is measured on them."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path

from harness.job.inputs import Inputs
from harness.job.job import Job

FILENAME = "tokens.npy"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """The blocks that follow a job's in its corpus."""

    path: Path
    """A numpy file of token ids, int64, [blocks, sequence_length]."""
    blocks: int
    tokens_per_block: int
    sha256: str
    """Of the tokens."""


def held_out_blocks(job: Job, inputs: Inputs, cache: Path, count: int) -> HeldOut:
    """Cut `count` held-out blocks of the job's length and save them in the cache. Raises DatasetError or ModelError.

    `inputs`: of the job, whose tokenizer they share.
    """
    import numpy as np

    from harness.files.cache import cached_folder
    from harness.prepare.blocks import cut_held_out, tokens_sha256
    from harness.prepare.corpus import open_corpus
    from harness.prepare.tokenizer import tokenizer_in

    # A corpus from the hub is fetched as far as a job needs it.
    steps = math.ceil(count / (job.blocks / job.max_steps))
    corpus = open_corpus(dataclasses.replace(job, max_steps=job.max_steps + steps), cache)
    blocks = cut_held_out(job, corpus, tokenizer_in(Path(inputs.model_path)), count)
    sha256 = tokens_sha256(blocks)
    key = {"tokens": sha256, "sequence_length": job.sequence_length, "format": 1}
    folder = cached_folder(cache, "held-out", key, lambda folder: np.save(folder / FILENAME, blocks))
    return HeldOut(path=folder / FILENAME, blocks=len(blocks), tokens_per_block=job.sequence_length, sha256=sha256)
