"""The colour and the shape that a framework has in every figure."""

from __future__ import annotations

from collections.abc import Iterable

from harness.job.frameworks import TRAINERS

COLOURS = {
    "transformers": "#8a8a8a",
    "unsloth": "#3288d1",
    "axolotl": "#e0632d",
    "torchtune": "#14a37f",
    "llamafactory": "#c26fb1",
    "ceiling": "#e3a008",
    "reference": "#6b6bd6",
}
"""Distinguishable in the common colour blindnesses (after Okabe and Ito), with contrast on white and on black."""
SHAPES = {
    "transformers": "circle",
    "unsloth": "square",
    "axolotl": "triangle-up",
    "torchtune": "diamond",
    "llamafactory": "triangle-down",
    "ceiling": "cross",
    "reference": "stroke",
}


def in_order(names: Iterable[str]) -> list[str]:
    """Return frameworks in the order of every table, then the reference."""
    known = [*TRAINERS, "reference"]
    return sorted(set(names), key=known.index)
