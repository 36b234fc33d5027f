"""Make a bundle: resolve, fetch, slim, check, add the inputs. It gets its name only at the end."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet

from harness import __version__
from harness.bundle.check import asked_of, is_bounded, unmet
from harness.bundle.resolve import Overlay, controller_overlay, framework_overlay, with_dependencies
from harness.bundle.size_limit import check_known_sizes, check_size
from harness.bundle.target_node import TargetNode
from harness.bundle.wheels import fetch, slim
from harness.environment.bundle_manifest import HARNESS, MANIFEST, TOKENIZER, Manifest, Overlaid
from harness.environment.locks import lock_of
from harness.errors import BundleError
from harness.files.cache import file_sha256
from harness.files.locations import ADAPTERS
from harness.job.experiment import Experiment
from harness.job.frameworks import load_adapter
from harness.prepare.blocks import cut_blocks
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
    node: TargetNode,
    experiment: Experiment,
    *,
    out: Path,
    max_bytes: int | None,
    cache: Path,
    say: Callable[[str], None],
) -> Made:
    """Make a bundle in `out`, which must be missing or empty. If it raises BundleError it leaves nothing."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BundleError(f"{out}: is there already; choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.making-"))
    try:
        manifest = _fill(making, frameworks, node, experiment, max_bytes, cache, say)
        total = sum(path.stat().st_size for path in making.rglob("*") if path.is_file())
        check_size(making, total, max_bytes)
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
    node: TargetNode,
    experiment: Experiment,
    max_bytes: int | None,
    cache: Path,
    say: Callable[[str], None],
) -> Manifest:
    """Do everything that may be refused before the first wheel is fetched, as far as the registry knows sizes."""
    say("tokenizer and token blocks")
    source = _add_inputs(folder, experiment, cache)
    say("what the node's packages need, and so are there too")
    node = with_dependencies(node)
    overlays = _overlays(frameworks, node, say)
    check_known_sizes(overlays.values(), node, max_bytes)
    wheels = folder / "wheels"
    wheels.mkdir()
    overlaid = {name: _carried(overlay, node, wheels, cache, say) for name, overlay in overlays.items()}
    saved = {wheel.name: bytes_saved for wheel in sorted(wheels.iterdir()) if (bytes_saved := slim(wheel, node))}
    if node.cuda is None and (large := sorted(wheels.glob("bitsandbytes-*.whl"))):
        say(
            f"{node.source} says torch without +cuNNN, so bitsandbytes keeps its libraries for every CUDA: "
            f"{large[0].stat().st_size / 2**20:.0f} MiB instead of about 4. Write torch==VERSION+cuNNN there, as "
            "`python3 -c 'import torch; print(torch.__version__)'` says on the node"
        )
    (folder / "INSTALL.txt").write_text(_instructions(overlaid), encoding="utf-8")
    manifest = Manifest(
        harness_version=__version__,
        python_version=node.python_version,
        machine=node.machine,
        glibc=node.glibc,
        overlays=overlaid,
        dataset=DATASET,
        dataset_source=source,
        slimmed_bytes=saved,
        sha256={
            str(path.relative_to(folder)): file_sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()
        },
    )
    (folder / MANIFEST).write_text(json.dumps(manifest.model_dump(), indent=1) + "\n", encoding="utf-8")
    return manifest


def _carried(overlay: Overlay, node: TargetNode, wheels: Path, cache: Path, say: Callable[[str], None]) -> Overlaid:
    """Fetch an overlay's wheels, and those of packages whose version on the node is unknown and may not do."""
    say(f"{overlay.name}: {len(overlay.wheels)} wheels")
    files = fetch(overlay.wheels, node, wheels, cache)
    while needed := [name for name in overlay.uncertain if is_bounded(_asked(name, overlay, files, node))]:
        overlay = overlay.carrying(needed)
        say(f"{overlay.name}: {', '.join(needed)} too, of which the node's version is not known")
        files = fetch(overlay.wheels, node, wheels, cache)
    if problems := unmet(files.values(), node, _excused(overlay, overlay.name)):
        raise BundleError(f"{overlay.name}: its wheels do not fit together: {'; '.join(problems)}")
    assumed = [f"{name}{_asked(name, overlay, files, node)}" for name in overlay.uncertain]
    assumed += [name for name in overlay.builds_on if "==" not in name]
    if ranged := sorted(pin for pin in assumed if not pin.isidentifier() and not pin.replace("-", "_").isidentifier()):
        say(f"{overlay.name}: the node's own are taken to be {', '.join(ranged)}; setup looks whether they are")
    return Overlaid(
        wheels=tuple(sorted(file.name for file in files.values())),
        builds_on=tuple(sorted({*overlay.builds_on, *assumed})),
        assumed=tuple(sorted(assumed)),
        does_without=overlay.does_without,
    )


def _asked(name: str, overlay: Overlay, files: Mapping[str, Path], node: TargetNode) -> SpecifierSet:
    return asked_of(name, overlay.requirements, files.values(), node)


def _overlays(frameworks: Sequence[str], node: TargetNode, say: Callable[[str], None]) -> dict[str, Overlay]:
    """Return each framework's overlay and the harness's. They share versions, and so wheels, where they may.

    The longest lock goes first: it leaves its packages the least choice.
    """
    locks = {name: lock_of(name, ADAPTERS) for name in frameworks}
    order = sorted(frameworks, key=lambda name: -len(locks[name].lock.read_text(encoding="utf-8").splitlines()))
    overlays: dict[str, Overlay] = {}
    chosen: dict[str, str] = {}
    for name in (*order, HARNESS):
        say(f"{name}: resolving on top of the node's packages")
        if name == HARNESS:
            overlay = controller_overlay(importlib.metadata.requires(DISTRIBUTION) or [], node, chosen)
        else:
            overlay = framework_overlay(locks[name], load_adapter(name).package, node, chosen)
        overlays[name] = overlay
        pins = (pin.partition("==") for pin in (*overlay.wheels, *overlay.uncertain.values()))
        chosen = {**{package: version for package, _, version in pins}, **chosen}
    return {name: overlays[name] for name in (HARNESS, *frameworks)}


def _excused(overlay: Overlay, name: str) -> set[str]:
    """Return packages that the check skips: left out, or overridden with another version."""
    return {*overlay.does_without, *(lock_of(name, ADAPTERS).overridden() if name != HARNESS else ())}


def _add_inputs(folder: Path, experiment: Experiment, cache: Path) -> str:
    """Add the tokenizer and the token blocks of the experiment's longest job. Return the source of the text."""
    job = max(experiment.jobs.values(), key=lambda job: job.blocks)
    tokenizer = tokenizer_of(job, cache)
    (folder / TOKENIZER).parent.mkdir()
    pack_tokenizer(tokenizer, folder / TOKENIZER)
    corpus = open_corpus(job, cache)
    about = About(source=corpus.source, is_stand_in=corpus.is_stand_in, tokenizer_sha256=tokenizer.sha256)
    write_pretokenized(folder / DATASET, cut_blocks(job, corpus, tokenizer), about)
    return corpus.source


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
