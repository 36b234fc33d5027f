"""Check that an overlay's wheels and the node's packages meet the requirements of each wheel."""

from __future__ import annotations

import email.parser
import functools
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_wheel_filename

from harness.bundle.target_node import TargetNode


def unmet(wheels: Iterable[Path], node: TargetNode, does_without: Iterable[str]) -> list[str]:
    """Return a sentence per unmet requirement. Packages that an overlay leaves out or overrides are not checked."""
    versions: dict[str, str | None] = dict(node.packages)
    here: dict[str, Path] = {}
    for wheel in wheels:
        name, version, *_ = parse_wheel_filename(wheel.name)
        here[name], versions[name] = wheel, str(version)
    excused = {str(canonicalize_name(package)) for package in does_without}
    problems = []
    for asking, wheel in sorted(here.items()):
        for requirement in _requirements(wheel, node):
            key = str(canonicalize_name(requirement.name))
            if key in excused:
                continue
            if key not in versions:
                problems.append(f"{asking} needs {requirement.name}, which neither the bundle nor the node has")
                continue
            known = versions[key]
            if known is not None and not requirement.specifier.contains(known, prereleases=True):
                problems.append(f"{asking} needs {requirement}, and {requirement.name} is {known}")
    return problems


def asked_of(name: str, requirements: Iterable[str], wheels: Iterable[Path], node: TargetNode) -> SpecifierSet:
    """Return the versions of a package that the requirements and wheels ask for; empty if any will do."""
    every = [
        *map(Requirement, requirements),
        *(requirement for wheel in wheels for requirement in _requirements(wheel, node)),
    ]
    return functools.reduce(
        lambda asked, requirement: asked & requirement.specifier,
        [requirement for requirement in every if canonicalize_name(requirement.name) == name],
        SpecifierSet(),
    )


def is_bounded(asked: SpecifierSet) -> bool:
    """True if a newer version than a package was made for may be refused."""
    return any(specifier.operator not in (">=", ">") for specifier in asked)


def _requirements(wheel: Path, node: TargetNode) -> list[Requirement]:
    """Return what a wheel requires on the node, without extras."""
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [
            member for member in archive.namelist() if member.endswith(".dist-info/METADATA") and member.count("/") == 1
        ]
        metadata = email.parser.HeaderParser().parsestr(archive.read(path).decode("utf-8"))
    requirements = [Requirement(line) for line in metadata.get_all("Requires-Dist") or []]
    there = _marker_environment(node)
    return [
        requirement for requirement in requirements if requirement.marker is None or requirement.marker.evaluate(there)
    ]


def _marker_environment(node: TargetNode) -> Mapping[str, str]:
    """Return the node as environment markers (PEP 508)."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{node.python_version}.0",
        "os_name": "posix",
        "platform_machine": node.machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{node.python_version}.0",
        "python_version": node.python_version,
        "sys_platform": "linux",
        "extra": "",
    }
