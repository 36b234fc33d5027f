"""How far each trained tensor may have moved, given how far it moved in the reference's ways of rounding.

A bf16 number stays where it is unless its update is at least half the distance to its neighbour. So a tensor whose
numbers are large beside their updates hardly moves in bf16, though it does in fp32. Both ways are correct, and so is
everything between them. Whether one number just makes the step is chance: of k numbers that moved, a few times the
square root of k more or fewer may move elsewhere. A tensor of which at most MARGIN squared numbers moved may as well
not move at all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.audit.trace import TensorSeen, Trace

MARGIN = 3.0
"""Allowed standard deviations of a count that is subject to chance."""
LEAST_IN_BF16 = 0.1
"""Least allowed share of a distance. Correct ways of rounding drift apart by up to 3%; see docs/audit.md."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveRange:
    """A range of distances. A distance is the norm of a tensor's change."""

    least: float
    """0 if chance alone decides whether the tensor moves."""
    most: float

    def holds(self, moved: float) -> bool:
        """True if the distance is in the range."""
        return self.least <= moved <= self.most


def exact_moves(reference: Trace, tolerance: float) -> dict[str, MoveRange]:
    """Return the ranges for a job with negligible rounding: every trainer moves each tensor equally far."""
    return {
        tensor.name: MoveRange(
            least=_moved(tensor) * (1 - tolerance) if _is_sure(tensor.moved) else 0.0,
            most=_moved(tensor) / (1 - tolerance),
        )
        for tensor in reference.trained
    }


def rounded_moves(ways: Sequence[Trace]) -> dict[str, MoveRange]:
    """Return the ranges for a bf16 job: from the least to the largest distance over the ways of rounding."""
    by_name: list[Mapping[str, TensorSeen]] = [{tensor.name: tensor for tensor in way.trained} for way in ways]
    return {name: _between([way[name] for way in by_name if name in way]) for name in by_name[0]}


def widened(moves: Mapping[str, MoveRange], draws: Sequence[Trace], margin: float) -> dict[str, MoveRange]:
    """Widen ranges by chance: `margin` times the largest difference between trainings that differ by chance alone."""
    by_name: dict[str, list[float]] = {}
    for draw in draws:
        for tensor in draw.trained:
            by_name.setdefault(tensor.name, []).append(_moved(tensor))
    chance = {name: margin * (max(moved) - min(moved)) for name, moved in by_name.items()}
    return {
        name: MoveRange(least=max(0.0, move.least - chance[name]), most=move.most + chance[name])
        for name, move in moves.items()
    }


def _between(ways: Sequence[TensorSeen]) -> MoveRange:
    least = min(_moved(tensor) * (1 - max(LEAST_IN_BF16, _by_chance(tensor.moved_in_bf16))) for tensor in ways)
    sure = all(_is_sure(tensor.moved_in_bf16) for tensor in ways)
    most = max(_moved(tensor) * (1 + (_by_chance(tensor.moved) if tensor.moved else 0.0)) for tensor in ways)
    return MoveRange(least=max(0.0, least) if sure else 0.0, most=most * (1 + LEAST_IN_BF16))


def _moved(tensor: TensorSeen) -> float:
    return tensor.change_norm or 0.0


def _is_sure(numbers: int | None) -> bool:
    return (numbers or 0) > MARGIN**2


def _by_chance(numbers: int | None) -> float:
    """Return the share by which a distance may differ if that many numbers moved."""
    return MARGIN / math.sqrt(numbers) if numbers else math.inf
