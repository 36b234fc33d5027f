"""Fetch wheels for another machine, and take out of known large ones what that machine cannot use."""

from __future__ import annotations

import csv
import fnmatch
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import parse_wheel_filename

from harness.bundle.target_node import TargetNode
from harness.errors import BundleError
from harness.files.file_lock import locked

NO_WHEEL = re.compile(r"No matching distribution found for (\S+)")
STUDIO = ("studio/*", "*/studio/*")
"""A web application in Unsloth's wheel: nine tenths of its size. No training imports it."""
OTHER_ACCELERATORS = ("*/libbitsandbytes_rocm*", "*/libbitsandbytes_xpu*")
FIRST_DATE_OF_A_ZIP = "315532800"
"""Seconds of 1980-01-01."""
CUDA_LIBRARY = "*/libbitsandbytes_cuda*"


def fetch(pins: Sequence[str], node: TargetNode, folder: Path, cache: Path) -> dict[str, Path]:
    """Fetch a wheel per NAME==VERSION into `folder`; build it here if the registry has only the source.

    The cache keeps what was fetched, so that another attempt need not fetch it again. Raises BundleError if a wheel
    cannot be had for the node.
    """
    cached = cache / "wheels" / f"{node.python_version}-{node.uv_platform}"
    cached.mkdir(parents=True, exist_ok=True)
    with locked(Path(f"{cached}.lock")):
        missing = [pin for pin in pins if pin not in _present(cached)]
        while missing:
            refused = _download(missing, node, cached)
            if refused is None:
                break
            _build(refused, cached)
            missing = [pin for pin in missing if pin != refused]
        found = _present(cached)
        for pin in pins:
            if not (folder / found[pin].name).exists():
                shutil.copyfile(found[pin], folder / found[pin].name)
    return {pin: folder / found[pin].name for pin in pins}


def is_slimmed(pin: str, node: TargetNode) -> bool:
    """True if the wheel of a NAME==VERSION loses files in a bundle, so that its size says little."""
    name = pin.partition("==")[0]
    return name == "unsloth" or (name == "bitsandbytes" and node.cuda is not None)


def slim(wheel: Path, node: TargetNode) -> int:
    """Take out what the node cannot use, and compress native libraries more. Return the bytes saved.

    Known wheels are bitsandbytes (libraries for other CUDA versions and other vendors) and unsloth (its web studio).
    Wheels with native libraries are compressed by LZMA, which Python's zipfile, and so pip, can read.
    """
    name, *_ = parse_wheel_filename(wheel.name)
    is_pure = wheel.name.endswith("-none-any.whl")
    if name == "unsloth":
        return _packed_anew(wheel, STUDIO, keep=())
    if name == "bitsandbytes" and node.cuda is not None:
        libraries = (*OTHER_ACCELERATORS, CUDA_LIBRARY)
        return _packed_anew(wheel, libraries, keep=(f"*/libbitsandbytes_cuda{node.cuda}.*",))
    return 0 if is_pure else _packed_anew(wheel, (), keep=())


def _present(folder: Path) -> dict[str, Path]:
    present = {}
    for wheel in folder.glob("*.whl"):
        name, version, *_ = parse_wheel_filename(wheel.name)
        present[f"{name}=={version}"] = wheel
    return present


def _download(pins: Sequence[str], node: TargetNode, folder: Path) -> str | None:
    """Fetch all of them at once. Return the first that has no wheel, if the command failed for that reason."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as fetching:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--implementation", "cp", "--python-version", node.python_version, "--dest", fetching]
        for tag in node.platform_tags:
            command += ["--platform", tag]
        done = subprocess.run([*command, *pins], capture_output=True, text=True, check=False)
        # A failed attempt leaves wheels too. Each is moved whole, so that none is ever there in part.
        for wheel in Path(fetching).glob("*.whl"):
            if zipfile.is_zipfile(wheel):
                wheel.replace(folder / wheel.name)
    if done.returncode == 0:
        return None
    refused = NO_WHEEL.search(done.stderr)
    if refused is None or refused[1] not in pins:
        raise BundleError(f"wheels could not be fetched: {_last_words(done.stderr)}")
    return refused[1]


def _build(pin: str, folder: Path) -> None:
    """Build a wheel from a source distribution. Only one that fits every machine is of use elsewhere."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", scratch, pin]
        # With a fixed date the same source gives the same bytes, and an overlay is known by its bytes.
        dated = {**os.environ, "SOURCE_DATE_EPOCH": FIRST_DATE_OF_A_ZIP}
        done = subprocess.run(command, env=dated, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BundleError(
                f"{pin}: there is no wheel for the node, and none can be built: {_last_words(done.stderr)}"
            )
        (wheel,) = Path(scratch).glob("*.whl")
        if not wheel.name.endswith("-none-any.whl"):
            raise BundleError(f"{pin}: there is no wheel for the node, and what is built here fits this machine only")
        (folder / wheel.name).write_bytes(wheel.read_bytes())


def _packed_anew(wheel: Path, patterns: Sequence[str], *, keep: Sequence[str]) -> int:
    """Write a wheel again without some of its files and their lines in its RECORD. Return the bytes saved."""
    before = wheel.stat().st_size
    slimmer = wheel.with_suffix(".slim")
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(slimmer, "w", zipfile.ZIP_LZMA) as target:
        # If the library to keep is missing, one of the others may serve.
        unknown = keep and not any(_matches(name, keep) for name in source.namelist())

        def goes(name: str) -> bool:
            return not unknown and _matches(name, patterns) and not _matches(name, keep)

        for entry in source.infolist():
            if goes(entry.filename):
                continue
            content = source.read(entry)
            if entry.filename.endswith(".dist-info/RECORD"):
                rows = [row for row in csv.reader(io.StringIO(content.decode())) if row and not goes(row[0])]
                text = io.StringIO()
                csv.writer(text, lineterminator="\n").writerows(rows)
                content = text.getvalue().encode()
            target.writestr(entry, content, zipfile.ZIP_LZMA)
    if slimmer.stat().st_size >= before:
        slimmer.unlink()
        return 0
    slimmer.replace(wheel)
    return before - wheel.stat().st_size


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def _last_words(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return " ".join(lines[-3:])[-600:] or "pip gave no reason"
