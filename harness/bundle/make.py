"""Make a bundle: resolve, fetch, slim, check, add the inputs, and only then let it have its name."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import __version__
from harness.bundle.check import unmet
from harness.bundle.manifest import HARNESS, MANIFEST, TOKENIZER, Manifest, Overlaid
from harness.bundle.node import Node
from harness.bundle.resolve import Overlay, controller_overlay, framework_overlay
from harness.bundle.wheels import fetch, slim
from harness.environment.locks import lock_of
from harness.errors import BundleError
from harness.experiment import Experiment
from harness.frameworks import load_adapter
from harness.locations import ADAPTERS
from harness.prepare.blocks import cut_blocks
from harness.prepare.cache import file_sha256
from harness.prepare.corpus import open_corpus
from harness.prepare.model import tokenizer_of
from harness.prepare.pretokenized import About, write_pretokenized
from harness.prepare.tokenizer import pack_tokenizer

DISTRIBUTION = "finetuning-harness"
DATASET = "inputs/blocks.parquet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A finished bundle."""

    path: Path
    manifest: Manifest
    total_bytes: int


def make_bundle(
    frameworks: Sequence[str],
    node: Node,
    experiment: Experiment,
    *,
    out: Path,
    max_bytes: int | None,
    cache: Path,
    say: Callable[[str], None],
) -> Made:
    """Make a bundle in `out`, which must not exist or be empty. Raises BundleError and leaves nothing then."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BundleError(f"{out}: is there already; choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.making-"))
    try:
        manifest = _fill(making, frameworks, node, experiment, cache, say)
        total = sum(path.stat().st_size for path in making.rglob("*") if path.is_file())
        _check_size(making, total, max_bytes)
        making.chmod(0o755)
        if out.exists():
            out.rmdir()
        making.rename(out)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return Made(path=out, manifest=manifest, total_bytes=total)


def _fill(
    folder: Path,
    frameworks: Sequence[str],
    node: Node,
    experiment: Experiment,
    cache: Path,
    say: Callable[[str], None],
) -> Manifest:
    wheels = folder / "wheels"
    wheels.mkdir()
    overlays = {}
    for name in (HARNESS, *frameworks):
        say(f"{name}: resolving on top of the node's packages")
        overlay = _overlay_of(name, node)
        say(f"{name}: fetching {len(overlay.wheels)} wheels")
        files = fetch(overlay.wheels, node, wheels)
        if problems := unmet(files.values(), node, _excused(overlay, name)):
            raise BundleError(f"{name}: its wheels do not fit together: {'; '.join(problems)}")
        overlays[name] = Overlaid(
            wheels=tuple(sorted(file.name for file in files.values())),
            builds_on=overlay.builds_on,
            does_without=overlay.does_without,
        )
    saved = {wheel.name: bytes_saved for wheel in sorted(wheels.iterdir()) if (bytes_saved := slim(wheel, node))}
    say("tokenizer and token blocks")
    source = _add_inputs(folder, experiment, cache)
    (folder / "INSTALL.txt").write_text(_instructions(overlays), encoding="utf-8")
    manifest = Manifest(
        harness_version=__version__,
        python_version=node.python_version,
        machine=node.machine,
        glibc=node.glibc,
        overlays=overlays,
        dataset=DATASET,
        dataset_source=source,
        slimmed_bytes=saved,
        sha256={
            str(path.relative_to(folder)): file_sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()
        },
    )
    (folder / MANIFEST).write_text(json.dumps(manifest.model_dump(), indent=1) + "\n", encoding="utf-8")
    return manifest


def _overlay_of(name: str, node: Node) -> Overlay:
    if name == HARNESS:
        return controller_overlay(importlib.metadata.requires(DISTRIBUTION) or [], node)
    return framework_overlay(lock_of(name, ADAPTERS), load_adapter(name).package, node)


def _excused(overlay: Overlay, name: str) -> set[str]:
    """What the check need not ask for: left out, or overridden with another version than packages ask for."""
    return {*overlay.does_without, *(lock_of(name, ADAPTERS).overridden() if name != HARNESS else ())}


def _add_inputs(folder: Path, experiment: Experiment, cache: Path) -> str:
    """The tokenizer's files, and the token blocks of the experiment's longest job; where the text came from."""
    job = max(experiment.jobs.values(), key=lambda one: one.blocks)
    tokenizer = tokenizer_of(job, cache)
    (folder / TOKENIZER).parent.mkdir()
    pack_tokenizer(tokenizer, folder / TOKENIZER)
    corpus = open_corpus(job, cache)
    about = About(source=corpus.source, is_stand_in=corpus.is_stand_in, tokenizer_sha256=tokenizer.sha256)
    write_pretokenized(folder / DATASET, cut_blocks(job, corpus, tokenizer), about)
    return corpus.source


def _check_size(folder: Path, total: int, most: int | None) -> None:
    if most is None or total <= most:
        return
    files = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: -path.stat().st_size)
    largest = ", ".join(f"{path.name} {path.stat().st_size / 2**20:.1f} MiB" for path in files[:5])
    raise BundleError(
        f"--max-size: the bundle has {total / 2**20:.1f} MiB, allowed are {most / 2**20:.1f}; the largest files are "
        f"{largest}. Take fewer --frameworks, or carry it in two bundles"
    )


def _instructions(overlays: dict[str, Overlaid]) -> str:
    wheels = " ".join(f"$BUNDLE/wheels/{name}" for name in overlays[HARNESS].wheels)
    install = f"python3 -m pip install --no-index --no-deps --target $OWN {wheels}\n" if wheels else ""
    return (
        "On the node, in a copy of the harness's source, with BUNDLE set to this folder and OWN to an empty one:\n\n"
        f"{install}"
        "export PYTHONPATH=$OWN\n"
        "python3 -m harness setup --offline --bundle $BUNDLE --interpreter $(command -v python3)\n"
        "python3 -m harness doctor\n"
        f"python3 -m harness run --dataset $BUNDLE/{DATASET}\n"
    )
