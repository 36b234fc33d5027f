"""How far each trained tensor may have moved, given how far it moved in the reference's ways of rounding.

A number that is kept in bf16 stays where it is unless its update is at least half the distance to its neighbour. So a
tensor whose numbers are large beside their updates hardly moves there, though it does in fp32. Both are honest, and so
is what lies between. Whether a single number just makes the step is chance: of k numbers that moved, a few times the
square root of k more or fewer may do so elsewhere. A tensor of which no more than MARGIN squared numbers moved may as
well not move at all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.audit.trace import TensorSeen, Trace

MARGIN = 3.0
"""Standard deviations of a count that is chance."""
LEAST_IN_BF16 = 0.1
"""Of a distance, whatever the count: steps of rounding lead honest ways apart, by up to 3% in docs/audit.md."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Distances, as norms of a tensor's change."""

    least: float
    """0 where chance alone decides whether the tensor moves."""
    most: float

    def holds(self, moved: float) -> bool:
        """Whether a distance is in it."""
        return self.least <= moved <= self.most


def exact_moves(reference: Trace, tolerance: float) -> dict[str, Range]:
    """Of a job that rounds so little that whoever trains it moves each tensor equally far."""
    return {
        tensor.name: Range(
            least=_moved(tensor) * (1 - tolerance) if _is_sure(tensor.moved) else 0.0,
            most=_moved(tensor) / (1 - tolerance),
        )
        for tensor in reference.trained
    }


def rounded_moves(ways: Sequence[Trace]) -> dict[str, Range]:
    """Of a job in bf16: from the way in which a tensor moved least to that in which it moved most."""
    by_name: list[Mapping[str, TensorSeen]] = [{tensor.name: tensor for tensor in way.trained} for way in ways]
    return {name: _between([way[name] for way in by_name if name in way]) for name in by_name[0]}


def widened(moves: Mapping[str, Range], draws: Sequence[Trace], margin: float) -> dict[str, Range]:
    """With what chance adds: `margin` times the largest difference between trainings that differ by chance alone."""
    by_name: dict[str, list[float]] = {}
    for draw in draws:
        for tensor in draw.trained:
            by_name.setdefault(tensor.name, []).append(_moved(tensor))
    chance = {name: margin * (max(moved) - min(moved)) for name, moved in by_name.items()}
    return {
        name: Range(least=max(0.0, move.least - chance[name]), most=move.most + chance[name])
        for name, move in moves.items()
    }


def _between(ways: Sequence[TensorSeen]) -> Range:
    least = min(_moved(tensor) * (1 - max(LEAST_IN_BF16, _by_chance(tensor.moved_in_bf16))) for tensor in ways)
    sure = all(_is_sure(tensor.moved_in_bf16) for tensor in ways)
    most = max(_moved(tensor) * (1 + (_by_chance(tensor.moved) if tensor.moved else 0.0)) for tensor in ways)
    return Range(least=max(0.0, least) if sure else 0.0, most=most * (1 + LEAST_IN_BF16))


def _moved(tensor: TensorSeen) -> float:
    return tensor.change_norm or 0.0


def _is_sure(numbers: int | None) -> bool:
    return (numbers or 0) > MARGIN**2


def _by_chance(numbers: int | None) -> float:
    """The share by which a distance may differ, of which so many numbers moved."""
    return MARGIN / math.sqrt(numbers) if numbers else math.inf
