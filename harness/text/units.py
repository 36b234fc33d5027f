"""Seconds, bytes and rates as people read them. Files hold plain seconds, bytes and tokens/s."""

from __future__ import annotations

import math
from typing import TypeGuard

NOTHING = "-"
LARGEST_SHOWN = 1e21


def gibibytes(value: float | None) -> str:
    """Return bytes as GiB, like "1.05 GiB"."""
    return f"{value / 2**30:.2f} GiB" if known(value) else NOTHING


def budget(value: int) -> str:
    """Return bytes as their author wrote them, like "4 GiB" or "16 GB"."""
    return f"{value // 2**30} GiB" if value % 2**30 == 0 else f"{value / 1e9:.4g} GB"


def seconds(value: float | None) -> str:
    """Return a time like "0.85 s", "12.3 s" or "4 min 10 s"."""
    if not known(value):
        return NOTHING
    if value >= 120:
        return f"{int(value) // 60} min {int(value) % 60} s"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def rate(value: float | None) -> str:
    """Return tokens per second with at most four figures, like "279.4" or "12,345"."""
    if not known(value):
        return NOTHING
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def three(value: float | None) -> str:
    """Return a number with three significant digits, like "1.05", "41.3", "905" or "12,300"."""
    if not known(value):
        return NOTHING
    rounded = float(f"{value:.3g}")
    places = 2 - math.floor(math.log10(abs(rounded))) if rounded else 0
    return f"{rounded:,.{max(0, places)}f}"


def ratio(value: float | None) -> str:
    """Return a ratio like "1.07x"."""
    return f"{value:.2f}x" if known(value) else NOTHING


def loss(value: float | None) -> str:
    """Return a loss with six decimals: frameworks differ in the last ones."""
    return f"{value:.6f}" if known(value) else NOTHING


def share(value: float | None) -> str:
    """Return a share like "41.3%"."""
    return f"{value:.1%}" if known(value) else NOTHING


def number(value: float | None, unit: str) -> str:
    """Return a number with three figures and its unit, like "412 W"."""
    return f"{value:.3g} {unit}" if known(value) else NOTHING


def tera(value: float) -> str:
    """Return a number with three figures and a prefix, like "771 T" or "48.2 G"."""
    return f"{value / 1e12:.3g} T" if value >= 1e12 else f"{value / 1e9:.3g} G"


def known(value: float | None) -> TypeGuard[float]:
    """True if a value can be shown: it is not None, not the NaN that pandas puts in its place, not absurd."""
    return value is not None and math.isfinite(value) and abs(value) < LARGEST_SHOWN
