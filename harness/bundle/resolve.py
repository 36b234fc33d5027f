"""Find the wheels that a framework needs on top of a node's packages, with uv's resolver."""

from __future__ import annotations

import dataclasses
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.bundle.offers import Offer, offers_for
from harness.bundle.target_node import TargetNode
from harness.environment.locks import Lock, overlay_names, read_lines
from harness.environment.uv import uv_environment, uv_pip
from harness.errors import BundleError

CAME_WITH_TORCH = ("torch", "triton")
"""torch and all that it needs, by any name. The node has them."""
NONE: Mapping[str, str] = {}
GIANTS = (*CAME_WITH_TORCH, "torchvision", "torchaudio")
"""What the node has in any version, and everything of nvidia's. No bundle carries them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlay:
    """What one framework, or the harness, needs on top of a node's packages."""

    name: str
    requirements: tuple[str, ...]
    """The requirements that were resolved."""
    wheels: tuple[str, ...]
    """NAME==VERSION of each package that the node lacks."""
    builds_on: tuple[str, ...]
    """NAME==VERSION of each package that the node has; NAME if its version is unknown."""
    does_without: tuple[str, ...]
    """What packages require and no job needs (overrides.txt, overlay.txt)."""
    uncertain: Mapping[str, str]
    """NAME==VERSION, by name, of wheels for one kind of machine whose package the node has in an unknown version."""
    offers: Mapping[str, Offer]
    """The registry's offer for each NAME==VERSION that the node lacks."""

    def carrying(self, names: Iterable[str]) -> Overlay:
        """Return the overlay with the wheels of some uncertain packages, which are then certain."""
        carried = [self.uncertain[name] for name in names]
        return dataclasses.replace(
            self,
            wheels=tuple(sorted((*self.wheels, *carried))),
            uncertain={name: pin for name, pin in self.uncertain.items() if pin not in carried},
        )


def framework_overlay(lock: Lock, package: str, node: TargetNode, preferred: Mapping[str, str] = NONE) -> Overlay:
    """Return a framework's overlay. It takes `preferred` versions, by name, where it may.

    Raises BundleError if its requirements cannot be met on that node.
    """
    asked = relaxed(lock.requirements, package, node)
    if node.has_any("triton"):
        asked += read_lines(lock.on_gpu)
    return _resolved(lock.framework, asked, _overrides(lock, node), node, preferred)


def with_dependencies(node: TargetNode) -> TargetNode:
    """Return the node with the dependencies of its packages, which it must have too, in unknown versions."""
    held = [name for name in node.packages if not _is_giant(name)]
    overrides = [_never(name) for name in CAME_WITH_TORCH]
    try:
        needed, _ = _pins("the node's packages", [node.pin(name) for name in held], overrides, node)
    except BundleError:
        # A package of the node may be on no registry.
        return node
    came = {pin.partition("==")[0]: None for pin in needed}
    return dataclasses.replace(node, packages={**came, **node.packages})


def controller_overlay(requirements: Iterable[str], node: TargetNode, preferred: Mapping[str, str] = NONE) -> Overlay:
    """Return the harness's overlay, from its distribution's requirements without uv, which only builds environments."""
    needed = [
        requirement
        for requirement in map(Requirement, requirements)
        if requirement.marker is None and requirement.name != "uv"
    ]
    return _resolved("harness", [str(requirement) for requirement in needed], [], node, preferred)


def relaxed(requirements: Path, package: str, node: TargetNode) -> list[str]:
    """Return requirements.in for a node, with the versions of the node's packages, but not of the framework.

    A package whose version is unknown is required as the file says.
    """
    lines = []
    for line in read_lines(requirements):
        name = Requirement(line).name
        if canonicalize_name(name) in CAME_WITH_TORCH:
            continue
        serves = node.has_any(name) and not node.has_in_some_version(name)
        if serves and (name != package or package == "transformers"):
            lines.append(name)
        else:
            lines.append(line)
    return lines


def _overrides(lock: Lock, node: TargetNode) -> list[str]:
    """Return overrides.txt and overlay.txt for a node. What it has serves in any version and is not resolved."""
    lines = []
    for line in read_lines(lock.overrides):
        override = Requirement(line)
        lines.append(_never(override.name) if node.has_any(override.name) and override.specifier else line)
    adjusted = overlay_names(lock.overlay)
    taken = [name for name in (*CAME_WITH_TORCH, *adjusted.taken) if node.has_any(name)]
    return [*lines, *(_never(name) for name in (*taken, *adjusted.left_out))]


def _is_giant(name: str) -> bool:
    return name in GIANTS or name.startswith("nvidia-")


def _never(name: str) -> str:
    return f"{name} ; sys_platform == 'never'"


def _resolved(
    name: str, requirements: Sequence[str], overrides: Sequence[str], node: TargetNode, preferred: Mapping[str, str]
) -> Overlay:
    wanted_by, environment = _pins(name, requirements, overrides, node, preferred)
    return _split(name, requirements, wanted_by, overrides, node, offers_for(list(wanted_by), node, environment))


def _pins(
    name: str,
    requirements: Sequence[str],
    overrides: Sequence[str],
    node: TargetNode,
    preferred: Mapping[str, str] = NONE,
) -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    """Return uv's choice, as _wanted_by gives it, and the environment in which uv found it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        requirements_file, overriding, chosen = (folder / file for file in ("in", "overrides", "pins.txt"))
        requirements_file.write_text("\n".join(requirements) + "\n", encoding="utf-8")
        overriding.write_text("\n".join(overrides) + "\n", encoding="utf-8")
        # uv keeps what an earlier resolution chose: here the node's versions, then those that other overlays carry.
        likely = {**preferred, **{package: version for package, version in node.packages.items() if version}}
        had = [f"{package}=={version}" for package, version in likely.items()]
        chosen.write_text("\n".join(had) + "\n", encoding="utf-8")
        command = [*uv_pip("compile"), "--quiet"]
        command += ["--python-version", node.python_version, "--python-platform", node.uv_platform]
        command += ["--no-header", "--annotation-style", "line", "--no-emit-index-url", "--no-emit-find-links"]
        command += ["--override", str(overriding), str(requirements_file), "--output-file", str(chosen)]
        refusals = []
        for environment in _indexes():
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
            refusals.append(" ".join(done.stderr.split())[-600:])
        else:
            raise BundleError(f"{name}: cannot be resolved on top of the node's packages: {refusals[0]}")
        return _wanted_by(chosen.read_text(encoding="utf-8")), environment


def _indexes() -> list[dict[str, str]]:
    """Yield environments for uv to try in turn: without this machine's additional indexes, then with them.

    Additional indexes may hold wheels for this machine's Python alone. If one has a version, uv ignores the wheels that
    other indexes have of it.
    """
    environment = uv_environment()
    # A torch on this machine says nothing about the node's.
    environment.pop("UV_FIND_LINKS", None)
    additional = {"UV_INDEX", "UV_EXTRA_INDEX_URL"}
    plain = {name: value for name, value in environment.items() if name not in additional}
    return [plain] if plain == environment else [plain, environment]


def _wanted_by(resolution: str) -> dict[str, frozenset[str]]:
    """Return each NAME==VERSION of uv's resolution, and the packages that require it; none if the requirements do."""
    found = {}
    for line in resolution.splitlines():
        pin, _, reasons = line.partition("#")
        name, equals, version = pin.partition(";")[0].strip().partition("==")
        if equals:
            words = reasons.strip().removeprefix("via ").split(", ")
            from_packages = not any(word.startswith("-r ") for word in words)
            key = f"{canonicalize_name(name)}=={version.partition('+')[0]}"
            found[key] = frozenset(map(str, map(canonicalize_name, words))) if from_packages else frozenset()
    return found


def _carried(missing: Iterable[str], wanted_by: Mapping[str, frozenset[str]]) -> list[str]:
    """Return what the requirements, or a carried package, require.

    The rest is required by the node's packages: the node has it, or its versions do not need it.
    """
    carried: dict[str, str] = {}
    left = {pin.partition("==")[0]: pin for pin in missing}
    while new := [name for name, pin in left.items() if not wanted_by[pin] or wanted_by[pin] & carried.keys()]:
        carried |= {name: left.pop(name) for name in new}
    return list(carried.values())


def _split(
    name: str,
    requirements: Sequence[str],
    wanted_by: Mapping[str, frozenset[str]],
    overrides: Sequence[str],
    node: TargetNode,
    offers: Mapping[str, Offer],
) -> Overlay:
    missing, had, uncertain = [], [], {}
    for pin in wanted_by:
        package, _, version = pin.partition("==")
        if node.has(package, version):
            had.append(pin)
        elif node.has_in_some_version(package) and _is_giant(package):
            had.append(package)
        elif node.has_in_some_version(package) and not (pin in offers and offers[pin].is_pure):
            uncertain[package] = pin
        else:
            missing.append(pin)
    carried = _carried(missing, wanted_by)
    left_out = [str(canonicalize_name(Requirement(override).name)) for override in overrides if "'never'" in override]
    had += [node.pin(package) for package in left_out if node.has_any(package)]
    return Overlay(
        name=name,
        requirements=tuple(requirements),
        wheels=tuple(sorted(carried)),
        builds_on=tuple(sorted(set(had))),
        does_without=tuple(sorted(package for package in left_out if not node.has_any(package))),
        uncertain=uncertain,
        offers=offers,
    )
