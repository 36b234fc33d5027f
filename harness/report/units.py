"""Seconds, bytes and rates as people read them. Files hold plain seconds, bytes and tokens/s; only this turns them."""

from __future__ import annotations

import math

NOTHING = "-"


def gibibytes(value: float | None) -> str:
    """Bytes as GiB, like "1.05 GiB"."""
    return NOTHING if missing(value) else f"{value / 2**30:.2f} GiB"


def seconds(value: float | None) -> str:
    """Like "0.85 s", "12.3 s" or "4 min 10 s"."""
    if missing(value):
        return NOTHING
    if value >= 120:
        return f"{int(value) // 60} min {int(value) % 60} s"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def rate(value: float | None) -> str:
    """Tokens per second with four figures at most, like "279.4" or "12,345"."""
    if missing(value):
        return NOTHING
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def ratio(value: float | None) -> str:
    """Like "1.07x"."""
    return NOTHING if missing(value) else f"{value:.2f}x"


def loss(value: float | None) -> str:
    """With six decimals: frameworks are compared by the last ones."""
    return NOTHING if missing(value) else f"{value:.6f}"


def missing(value: float | None) -> bool:
    """None, or the NaN that pandas puts in its place."""
    return value is None or math.isnan(value)
