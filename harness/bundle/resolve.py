"""Which wheels a framework needs on top of a node's own packages, found by uv's resolver."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.bundle.node import Node
from harness.environment.locks import Lock, overlay_names, read_lines
from harness.environment.uv import uv_command, uv_environment
from harness.errors import BundleError

CAME_WITH_TORCH = ("torch", "triton")
"""The node's, with all that they need, under whatever names that came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlay:
    """What goes on top of a node's packages for one framework, or for the harness itself."""

    name: str
    wheels: tuple[str, ...]
    """NAME==VERSION of each that the node lacks."""
    builds_on: tuple[str, ...]
    """NAME==VERSION, or NAME where no version is known, of each that the node has."""
    does_without: tuple[str, ...]
    """What packages ask for and no job needs (overrides.txt, overlay.txt)."""


def framework_overlay(lock: Lock, package: str, node: Node) -> Overlay:
    """A framework's overlay. Raises BundleError if its requirements cannot be met on that node."""
    wanted = relaxed(lock.requirements, package, node)
    if node.has_any("triton"):
        wanted += read_lines(lock.on_gpu)
    return _resolved(lock.framework, wanted, _overrides(lock, node), node)


def controller_overlay(requirements: Iterable[str], node: Node) -> Overlay:
    """The harness's own overlay, from its distribution's requirements; uv, which only builds environments, left out."""
    own = [one for one in map(Requirement, requirements) if one.marker is None and one.name != "uv"]
    return _resolved("harness", [str(one) for one in own], [], node)


def relaxed(requirements: Path, package: str, node: Node) -> list[str]:
    """requirements.in for a node: its own packages serve in its own versions, except for the framework itself."""
    lines = []
    for line in read_lines(requirements):
        name = Requirement(line).name
        if canonicalize_name(name) in CAME_WITH_TORCH:
            continue
        if canonicalize_name(name) in node.packages and (name != package or package == "transformers"):
            lines.append(name)
        else:
            lines.append(line)
    return lines


def _overrides(lock: Lock, node: Node) -> list[str]:
    """overrides.txt and overlay.txt for a node: what it has serves in whatever version, and needs no resolving."""
    lines = []
    for line in read_lines(lock.overrides):
        override = Requirement(line)
        lines.append(_never(override.name) if node.has_any(override.name) and override.specifier else line)
    adjusted = overlay_names(lock.overlay)
    taken = [name for name in (*CAME_WITH_TORCH, *adjusted.taken) if node.has_any(name)]
    return [*lines, *(_never(name) for name in (*taken, *adjusted.left_out))]


def _never(name: str) -> str:
    return f"{name} ; sys_platform == 'never'"


def _resolved(name: str, requirements: list[str], overrides: list[str], node: Node) -> Overlay:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        wanted, overriding, pins = (folder / file for file in ("in", "overrides", "pins.txt"))
        wanted.write_text("\n".join(requirements) + "\n", encoding="utf-8")
        overriding.write_text("\n".join(overrides) + "\n", encoding="utf-8")
        # uv keeps what an earlier resolution chose wherever it can: here, what the node has.
        had = [f"{package}=={version}" for package, version in node.packages.items() if version]
        pins.write_text("\n".join(had) + "\n", encoding="utf-8")
        command = [*uv_command(), "pip", "compile", "--quiet"]
        command += ["--python-version", node.python_version, "--python-platform", node.uv_platform]
        command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
        command += ["--override", str(overriding), str(wanted), "--output-file", str(pins)]
        refusals = []
        for environment in _indexes():
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
            refusals.append(" ".join(done.stderr.split())[-600:])
        else:
            raise BundleError(f"{name}: cannot be resolved on top of the node's packages: {refusals[0]}")
        resolution = [line.partition(";")[0].strip() for line in pins.read_text(encoding="utf-8").splitlines()]
    return _split(name, [pin for pin in resolution if "==" in pin], overrides, node)


def _indexes() -> list[dict[str, str]]:
    """uv's environments to try in turn: without this machine's additional indexes, then with them.

    Those may hold wheels for this machine's Python alone, and of a version that an additional index has uv looks at no
    other index's wheels.
    """
    environment = uv_environment()
    # A torch that lies on this machine says nothing of the node's.
    environment.pop("UV_FIND_LINKS", None)
    additional = {"UV_INDEX", "UV_EXTRA_INDEX_URL"}
    plain = {name: value for name, value in environment.items() if name not in additional}
    return [plain] if plain == environment else [plain, environment]


def _split(name: str, resolution: list[str], overrides: list[str], node: Node) -> Overlay:
    missing, had = [], []
    for pin in resolution:
        package, _, version = pin.partition("==")
        if node.has(package, version.partition("+")[0]):
            had.append(node.pin(package))
        else:
            missing.append(f"{canonicalize_name(package)}=={version}")
    left_out = [str(canonicalize_name(Requirement(one).name)) for one in overrides if "'never'" in one]
    had += [node.pin(package) for package in left_out if node.has_any(package)]
    return Overlay(
        name=name,
        wheels=tuple(sorted(missing)),
        builds_on=tuple(sorted(set(had))),
        does_without=tuple(sorted(package for package in left_out if not node.has_any(package))),
    )
