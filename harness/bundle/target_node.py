"""The machine that a bundle is for: its Python, its platform, and the packages that its interpreter has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from harness.errors import BundleError

OLDEST_GLIBC, DEFAULT_GLIBC = 5, 28
"""Minor numbers of glibc 2.x for wheels (PEP 600). Debian 10 and everything newer has at least the second."""
PLATFORM = re.compile(r"^manylinux(?:_2_(?P<glibc>\d+))?(?:_(?P<machine>x86_64|aarch64))?$")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:==\s*(?P<version>\S+))?$")
LEGACY_TAGS = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetNode:
    """The machine that a bundle builds on."""

    python_version: str
    """Like "3.12"."""
    machine: str
    """The architecture: "x86_64" or "aarch64"."""
    glibc: int
    """Minor number of its glibc 2.x, or of an older one."""
    packages: Mapping[str, str | None]
    """Version by normalised name, without local label; None if the version is unknown."""
    source: str
    """The file that lists the packages."""
    cuda: str | None
    """CUDA version of torch's build, like "130"; None if torch's version has no such label."""

    @property
    def uv_platform(self) -> str:
        """The platform's name for uv."""
        return f"{self.machine}-manylinux_2_{self.glibc}"

    @property
    def platform_tags(self) -> tuple[str, ...]:
        """Return every tag that a wheel for this platform may carry. pip compares them literally."""
        tags = [f"manylinux_2_{minor}_{self.machine}" for minor in range(self.glibc, OLDEST_GLIBC - 1, -1)]
        legacy = [f"{tag}_{self.machine}" for minor, tag in LEGACY_TAGS.items() if minor <= self.glibc]
        return (*tags, *legacy, f"linux_{self.machine}")

    def has_any(self, name: str) -> bool:
        """True if the node has the package in some version."""
        return canonicalize_name(name) in self.packages

    def pin(self, name: str) -> str:
        """Return NAME==VERSION of one of its packages, or NAME if the version is unknown."""
        key = canonicalize_name(name)
        return f"{key}=={self.packages[key]}" if self.packages[key] else str(key)

    def has(self, name: str, version: str) -> bool:
        """True if the node has a package in exactly this version."""
        return self.packages.get(canonicalize_name(name)) == version

    def has_in_some_version(self, name: str) -> bool:
        """True if the node has a package in an unknown version."""
        return self.has_any(name) and self.packages[canonicalize_name(name)] is None


def read_node(base: Path, *, python: str, platform: str) -> TargetNode:
    """Return the node for a list of packages, as `pip freeze` prints it there. Raises BundleError."""
    if not re.fullmatch(r"3\.\d+", python):
        raise BundleError(f"--python {python}: must be the node's version, like 3.12")
    named = PLATFORM.match(platform)
    if named is None:
        raise BundleError(f"--platform {platform}: must be manylinux, manylinux_2_N, or that with _x86_64 or _aarch64")
    try:
        lines = base.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{base}: cannot be read ({error}); make it on the node: python3 -m pip freeze") from error
    packages, cuda = _packages(base, lines)
    if packages.get("torch") is None:
        raise BundleError(f"{base}: names no torch==VERSION; a bundle builds on the node's own torch")
    return TargetNode(
        python_version=python,
        machine=named["machine"] or "x86_64",
        glibc=int(named["glibc"] or DEFAULT_GLIBC),
        packages=packages,
        source=str(base),
        cuda=cuda,
    )


def _packages(base: Path, lines: list[str]) -> tuple[dict[str, str | None], str | None]:
    packages: dict[str, str | None] = {}
    cuda = None
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if not text or text.startswith("-"):
            continue
        # `pip freeze` prints "name @ file:///..." for a package that was installed from a file; its version is unknown.
        pin = PIN.match(text.partition(" @ ")[0].strip())
        if pin is None:
            raise BundleError(f"{base}, line {number}: {text!r} is not NAME==VERSION, as `pip freeze` prints it")
        name = str(canonicalize_name(pin["name"]))
        version = None
        if pin["version"] is not None:
            try:
                known = Version(pin["version"])
            except InvalidVersion as error:
                raise BundleError(f"{base}, line {number}: {pin['version']!r} is no version") from error
            version = known.public
            if name == "torch" and known.local and known.local.startswith("cu"):
                cuda = known.local.removeprefix("cu")
        packages[name] = version
    return packages, cuda
