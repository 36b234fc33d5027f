"""The checkpoint that every framework loads: from the hub, a local folder, or seeded random weights of the shape."""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ModelError
from harness.files.cache import cached_folder, file_sha256
from harness.files.typed_path import existing_folder
from harness.job.inputs import INSTEAD
from harness.job.job import RANDOM_MODEL, Job, ModelShape
from harness.job.model_folder import read_config, shape_of
from harness.prepare.hub import hub_answers, hub_errors, snapshot_in_cache
from harness.prepare.tokenizer import TOKENIZER_FILES, TokenizerFiles, qwen3_tokenizer, tokenizer_in
from harness.prepare.weight_files import INDEX, WHOLE, are_all_there, weight_files
from harness.prepare.weights import write_random_model

FILES_BESIDE_WEIGHTS = (
    "config.json",
    "generation_config.json",
    *TOKENIZER_FILES,
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
"""The other files of a model in transformers' format."""
NEEDED_BESIDE = ("config.json", "tokenizer.json")
HUB_FILES = (*FILES_BESIDE_WEIGHTS, "*.safetensors", INDEX)
"""Files that are fetched; never a pickle."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A folder that transformers loads, its tokenizer, and their sources."""

    path: Path
    source: str
    weight_files: tuple[str, ...]
    dtype: str
    sha256: str
    tokenizer: TokenizerFiles


def open_checkpoint(job: Job, cache: Path) -> Checkpoint:
    """Return the job's model. Raises ModelError if it is incomplete or of another shape."""
    if job.model == RANDOM_MODEL:
        return _random(job, cache, why="")
    if (folder := existing_folder(job.model)) is not None:
        return _isolated(_checked(job, folder.resolve(), f"local folder {folder.name}"), cache)
    if job.model.count("/") != 1 or job.model.startswith((".", "/", "~")):
        raise ModelError(
            f'model {job.model}: no such folder; give a folder, a hub id like Qwen/Qwen3-0.6B, or "random"'
        )
    source = f"{job.model} at {job.model_revision or 'main'}, from the hub"
    if (snapshot := _in_client_cache(job)) is not None:
        return _isolated(_checked(job, snapshot, source), cache)
    if hub_answers():
        return _isolated(_checked(job, _from_hub(job), source), cache)
    if job.model_revision is None:
        raise ModelError(f"model {job.model}: is no folder here, and the hub does not answer; give a folder or random")
    return _random(job, cache, why=f"{INSTEAD}{job.model}: the hub does not answer)")


def tokenizer_of(job: Job, cache: Path) -> TokenizerFiles:
    """Return the tokenizer of the job's model, without the model. Raises ModelError."""
    folder = existing_folder(job.model)
    return qwen3_tokenizer(cache) if folder is None else tokenizer_in(folder)


def _random(job: Job, cache: Path, *, why: str) -> Checkpoint:
    tokenizer = qwen3_tokenizer(cache)
    key = {
        "shape": dataclasses.asdict(job.shape),
        "precision": job.precision,
        "seed": job.seed,
        "tokenizer": tokenizer.sha256,
        "format": 1,
    }

    def make(folder: Path) -> None:
        write_random_model(job.shape, job.precision, job.seed, folder)
        for name in TOKENIZER_FILES:
            shutil.copyfile(tokenizer.path / name, folder / name)

    folder = cached_folder(cache, "models", key, make)
    millions = job.shape.parameters / 1e6
    found = _checked(job, folder, f"random weights, {millions:.1f} M parameters, seed {job.seed}{why}")
    return dataclasses.replace(found, tokenizer=tokenizer)


def _checked(job: Job, folder: Path, source: str) -> Checkpoint:
    config = read_config(folder)
    found = shape_of(folder)
    for field in dataclasses.fields(ModelShape):
        asked, got = getattr(job.shape, field.name), getattr(found, field.name)
        if asked != got:
            raise ModelError(
                f"{folder / 'config.json'}: {field.name} = {got}, the job says {asked}; "
                f"add --set shape.{field.name}={json.dumps(got)} if this is the model you mean"
            )
    names = weight_files(folder, found)
    hashes = {name: file_sha256(folder / name) for name in names}
    return Checkpoint(
        path=folder,
        source=source,
        weight_files=names,
        dtype=str(config.get("dtype") or config.get("torch_dtype") or "float32"),
        sha256=",".join(hashes.values()),
        tokenizer=tokenizer_in(folder),
    )


def _isolated(checkpoint: Checkpoint, cache: Path) -> Checkpoint:
    """Return the model in a folder of links to its files alone: frameworks differ in what else they would read.

    (peft's adapter_config.json beside a model makes transformers load that adapter too.)
    """
    folder = checkpoint.path
    index = [] if WHOLE in checkpoint.weight_files else [INDEX]
    beside = [name for name in (*FILES_BESIDE_WEIGHTS, *index) if (folder / name).is_file()]
    hashes = {name: file_sha256(folder / name) for name in beside}
    key = {"folder": str(folder), "weights": checkpoint.sha256, "files": hashes}

    def link(made: Path) -> None:
        for name in (*checkpoint.weight_files, *beside):
            (made / name).symlink_to(folder / name)

    return dataclasses.replace(checkpoint, path=cached_folder(cache, "models", key, link))


def _in_client_cache(job: Job) -> Path | None:
    """Return the model in the cache of the hub's client, if it is complete; a branch may have moved since."""
    if job.model_revision is None and hub_answers():
        return None
    folder = snapshot_in_cache(job.model, job.model_revision, kind="model")
    is_whole = folder is not None and are_all_there(folder) and all((folder / name).is_file() for name in NEEDED_BESIDE)
    return folder if is_whole else None


def _from_hub(job: Job) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(job.model, revision=job.model_revision, allow_patterns=list(HUB_FILES), etag_timeout=10)
        )
    except hub_errors() as error:
        raise ModelError(
            f"{job.model}: could not be fetched from the hub ({error}); give a folder with --set model=PATH"
        ) from error
