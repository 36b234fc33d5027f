"""Refuse a bundle that is larger than --max-size, before the first download where the registry knows sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.bundle.resolve import Overlay
from harness.bundle.target_node import TargetNode
from harness.bundle.wheels import is_slimmed
from harness.errors import BundleError


def check_known_sizes(overlays: Iterable[Overlay], node: TargetNode, most: int | None) -> None:
    """Refuse a bundle whose wheels are too large by the registry's sizes. Raises BundleError.

    Wheels that are packed again do not count: they become smaller.
    """
    sizes = {
        pin: overlay.offers[pin].size_bytes or 0
        for overlay in overlays
        for pin in overlay.wheels
        if pin in overlay.offers and overlay.offers[pin].is_pure and not is_slimmed(pin, node)
    }
    if most is not None and sum(sizes.values()) > most:
        raise _too_large(sum(sizes.values()), most, sizes, "would have at least")


def check_size(folder: Path, total: int, most: int | None) -> None:
    """Refuse a finished folder that is too large. Raises BundleError."""
    if most is not None and total > most:
        sizes = {path.name: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
        raise _too_large(total, most, sizes, "has")


def _too_large(total: int, most: int, sizes: Mapping[str, int], has: str) -> BundleError:
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:5]
    sizes_text = ", ".join(f"{name} {size / 2**20:.1f} MiB" for name, size in largest)
    return BundleError(
        f"--max-size: the bundle {has} {total / 2**20:.1f} MiB, allowed are {most / 2**20:.1f}; the largest files are "
        f"{sizes_text}. Take fewer --frameworks, or carry it in two bundles"
    )
