"""The committed lock of each framework: pins only, without index URLs, local version labels or CUDA packages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.machine.host import processor_name

TORCH_VERSION = "2.13.0"
"""The same in every lock: a difference between frameworks must not be one between torch versions."""

PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;+]+)(?P<local>\+\S+)?(?P<marker>\s*;.*)?$")
TAKEN = "node:"
PROCESSOR = "{processor}"
CUDA_PACKAGE = re.compile(r"^(nvidia-(?!ml-py)|cuda-)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """The files under adapters/<framework>/ that say what its environment holds."""

    framework: str
    requirements: Path
    """The requirements; the script that makes the lock reads them."""
    overrides: Path
    """What replaces the dependencies that packages declare."""
    lock: Path
    on_gpu: Path
    """Pins that are added on a machine with a GPU; the file may be missing."""
    overlay: Path
    """What an overlay leaves out ("NAME"), or takes from the node in any version ("node: NAME")."""
    builds: Path
    """How packages that come as source are compiled; the file may be missing."""

    def overridden(self) -> frozenset[str]:
        """Normalised names of the packages whose declared version is overridden."""
        adjusted = overlay_names(self.overlay)
        names = [*map(_name, read_lines(self.overrides)), *adjusted.left_out, *adjusted.taken]
        return frozenset(str(canonicalize_name(name)) for name in names)

    def build_settings(self) -> tuple[str, ...]:
        """Return PACKAGE:SETTING of the packages that are compiled, with this machine's processor filled in."""
        return tuple(line.replace(PROCESSOR, processor_name()) for line in read_lines(self.builds))

    def requirement_files(self, *, for_gpu: bool) -> tuple[Path, ...]:
        """The files to install from."""
        return (self.lock, *([self.on_gpu] if for_gpu and self.on_gpu.is_file() else ()))


@dataclass(frozen=True, kw_only=True, slots=True)
class OverlayNames:
    """The names in overlay.txt."""

    left_out: tuple[str, ...]
    taken: tuple[str, ...]
    """Packages that are taken from the node in any version, if it has them."""


def overlay_names(path: Path) -> OverlayNames:
    """Return the names in an overlay.txt; none if there is no such file."""
    lines = read_lines(path)
    return OverlayNames(
        left_out=tuple(line for line in lines if not line.startswith(TAKEN)),
        taken=tuple(line.removeprefix(TAKEN).strip() for line in lines if line.startswith(TAKEN)),
    )


def read_lines(path: Path) -> list[str]:
    """Return the lines of a requirements file without comments; none if there is no such file."""
    if not path.is_file():
        return []
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def _name(requirement: str) -> str:
    return Requirement(requirement).name


def lock_of(framework: str, adapters: Path) -> Lock:
    """Return the lock files of one framework."""
    folder = adapters / framework
    return Lock(
        framework=framework,
        requirements=folder / "requirements.in",
        overrides=folder / "overrides.txt",
        lock=folder / "requirements.lock",
        on_gpu=folder / "on_gpu.txt",
        overlay=folder / "overlay.txt",
        builds=folder / "build_settings.txt",
    )


def pinned_version(lock: Lock, package: str) -> str:
    """Return the version of a package in the lock; "?" if the lock does not name it."""
    for line in lock.lock.read_text(encoding="utf-8").splitlines():
        pin = PINNED.match(line)
        if pin is not None and pin["name"] == package:
            return pin["version"]
    return "?"


def pins_only(resolution: str, *, keep: frozenset[str]) -> str:
    """Return the pins of a `uv pip compile` resolution that belong in a lock.

    Left out: what no machine installs (`sys_platform == 'never'`, from the overrides), torch's CUDA packages, and
    triton unless it is in `keep`. On a CUDA machine torch's own metadata brings those in.
    """
    lines = []
    for line in resolution.splitlines():
        pin = PINNED.match(line.strip())
        if pin is None:
            continue
        name, marker = pin["name"].lower(), (pin["marker"] or "").strip()
        if "'never'" in marker or "'win32'" in marker.replace("!= 'win32'", ""):
            continue
        if CUDA_PACKAGE.match(name) or (name == "triton" and name not in keep):
            continue
        lines.append(f"{name}=={pin['version']}" + (f" {marker}" if marker else ""))
    return "\n".join(sorted(lines)) + "\n"
