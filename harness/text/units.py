"""Seconds, bytes and rates as people read them. Files hold plain seconds, bytes and tokens/s; only this turns them."""

from __future__ import annotations

import math
from typing import TypeGuard

NOTHING = "-"
LARGEST_SHOWN = 1e21


def gibibytes(value: float | None) -> str:
    """Bytes as GiB, like "1.05 GiB"."""
    return f"{value / 2**30:.2f} GiB" if known(value) else NOTHING


def budget(value: int) -> str:
    """Bytes as whoever gave them wrote them, like "4 GiB" or "16 GB"."""
    return f"{value // 2**30} GiB" if value % 2**30 == 0 else f"{value / 1e9:.4g} GB"


def seconds(value: float | None) -> str:
    """Like "0.85 s", "12.3 s" or "4 min 10 s"."""
    if not known(value):
        return NOTHING
    if value >= 120:
        return f"{int(value) // 60} min {int(value) % 60} s"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def rate(value: float | None) -> str:
    """Tokens per second with four figures at most, like "279.4" or "12,345"."""
    if not known(value):
        return NOTHING
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def ratio(value: float | None) -> str:
    """Like "1.07x"."""
    return f"{value:.2f}x" if known(value) else NOTHING


def loss(value: float | None) -> str:
    """With six decimals: frameworks are compared by the last ones."""
    return f"{value:.6f}" if known(value) else NOTHING


def share(value: float | None) -> str:
    """Like "41.3%"."""
    return f"{value:.1%}" if known(value) else NOTHING


def number(value: float | None, unit: str) -> str:
    """With three figures and its unit, like "412 W"."""
    return f"{value:.3g} {unit}" if known(value) else NOTHING


def tera(value: float) -> str:
    """With three figures and the prefix of a unit, like "771 T" or "48.2 G"."""
    return f"{value / 1e12:.3g} T" if value >= 1e12 else f"{value / 1e9:.3g} G"


def known(value: float | None) -> TypeGuard[float]:
    """Whether there is a value that can be shown: no None, no NaN that pandas puts in its place, nothing absurd."""
    return value is not None and math.isfinite(value) and abs(value) < LARGEST_SHOWN
