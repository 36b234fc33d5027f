"""What the registry says of wheels before any is fetched: their sizes, and whether they fit every machine."""

from __future__ import annotations

import subprocess
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from harness.bundle.target_node import TargetNode
from harness.environment.uv import uv_pip


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """The wheel of one NAME==VERSION for a node."""

    is_pure: bool
    """True if the wheel fits every machine."""
    size_bytes: int | None
    """None if the registry does not say."""


def offers_for(pins: Sequence[str], node: TargetNode, environment: Mapping[str, str]) -> dict[str, Offer]:
    """Return offers by NAME==VERSION. Packages that the registry says nothing of are left out."""
    with tempfile.TemporaryDirectory() as scratch:
        pins_file, answer = Path(scratch) / "pins.txt", Path(scratch) / "pylock.toml"
        pins_file.write_text("\n".join(pins) + "\n", encoding="utf-8")
        command = [*uv_pip("compile"), "--quiet", "--no-deps", "--format", "pylock.toml"]
        command += ["--python-version", node.python_version, "--python-platform", node.uv_platform]
        command += [str(pins_file), "--output-file", str(answer)]
        done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
        if done.returncode or not answer.is_file():
            return {}
        packages = tomllib.loads(answer.read_text(encoding="utf-8")).get("packages", [])
    tags = _tags(node)
    found = {
        f"{canonicalize_name(package['name'])}=={package.get('version')}": _best(package, tags) for package in packages
    }
    return {pin: offer for pin, offer in found.items() if offer is not None}


def _best(package: Mapping[str, Any], tags: Mapping[Tag, int]) -> Offer | None:
    """Return the offer of the wheel that pip would take. A source distribution builds a pure wheel or none."""
    ranked = []
    for wheel in package.get("wheels", ()):
        name = wheel.get("name") or str(wheel.get("url", wheel.get("path", ""))).rpartition("/")[2]
        try:
            *_, wheel_tags = parse_wheel_filename(name)
        except InvalidWheelFilename:
            continue
        ranked += [(tags[tag], tag, wheel.get("size")) for tag in wheel_tags if tag in tags]
    if ranked:
        _, tag, size = min(ranked, key=lambda candidate: candidate[0])
        return Offer(is_pure=tag.platform == "any", size_bytes=size)
    source = package.get("sdist")
    return None if source is None else Offer(is_pure=True, size_bytes=source.get("size"))


def _tags(node: TargetNode) -> dict[Tag, int]:
    """Return every tag that a wheel for the node may carry, by rank: the lowest fits best."""
    major, minor = (int(part) for part in node.python_version.split("."))
    every = [
        *cpython_tags((major, minor), platforms=node.platform_tags),
        *compatible_tags((major, minor), f"cp{major}{minor}", node.platform_tags),
    ]
    return {tag: rank for rank, tag in reversed(list(enumerate(every)))}
