"""The inputs that every framework shares: made once, content-addressed, hashed."""

from __future__ import annotations

from pathlib import Path

from harness.job.inputs import Inputs
from harness.job.job import Job


def prepare(job: Job, cache: Path, *, repeat_text: bool = False) -> Inputs:
    """Make model, tokenizer, token blocks and initial adapter of `job`. Raises ModelError or DatasetError.

    `repeat_text`: begin the corpus again if it is too short, for uses that do not depend on the text.
    """
    from harness.files.cache import cached_folder, file_sha256
    from harness.prepare.blocks import cut_blocks, save_blocks
    from harness.prepare.corpus import open_corpus
    from harness.prepare.model import open_checkpoint
    from harness.prepare.weights import write_initial_adapter

    corpus = open_corpus(job, cache)
    checkpoint = open_checkpoint(job, cache)
    blocks_path, blocks_sha256 = save_blocks(cut_blocks(job, corpus, checkpoint.tokenizer, repeat=repeat_text), cache)
    adapter_path = None
    if job.uses_lora:
        values = job.as_dict()
        names = ("shape", "lora_rank", "lora_alpha", "lora_dropout", "target_modules", "precision", "seed")
        key = {name: values[name] for name in names}
        adapter_path = cached_folder(cache, "adapters", key, lambda folder: write_initial_adapter(job, folder))
    return Inputs(
        model_path=str(checkpoint.path),
        weight_files=checkpoint.weight_files,
        model_dtype=checkpoint.dtype,
        blocks_path=str(blocks_path),
        adapter_path=None if adapter_path is None else str(adapter_path),
        model_source=checkpoint.source,
        tokenizer_source=checkpoint.tokenizer.source,
        dataset_source=corpus.source,
        dataset_is_stand_in=corpus.is_stand_in,
        model_sha256=checkpoint.sha256,
        blocks_sha256=blocks_sha256,
        adapter_sha256=None if adapter_path is None else file_sha256(adapter_path / "adapter_model.safetensors"),
    )
