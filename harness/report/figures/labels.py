"""Where the labels of points stand, so that nothing crosses them and none leaves its panel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LETTER = 0.62
"""Width of a letter, as a share of the size of its font: an estimate."""
GAP = 11.0
"""Pixels from a point to its label."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle on a panel, in pixels from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """Return the area that both cover, in square pixels."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, across) * max(0.0, down)

    @property
    def area(self) -> float:
        """Square pixels."""
        return (self.right - self.left) * (self.bottom - self.top)


def place_labels(
    points: Sequence[tuple[float, float, str]], obstacles: Sequence[Box], *, width: float, height: float, size: float
) -> list[tuple[float, float]]:
    """Return the middle of each label, in pixels. `points`: where each stands, and its text.

    A label goes to the first place around its point that covers nothing; if there is none, to the one that covers
    least. `obstacles`: marks and lines that no label should cover.
    """
    panel = Box(left=0, top=0, right=width, bottom=height)
    marks = [Box(left=x - 6, top=y - 6, right=x + 6, bottom=y + 6) for x, y, _ in points]
    placed: list[Box] = []
    for x, y, text in points:
        candidates = [*_around(x, y, LETTER * size * len(text), size)]
        placed.append(min(candidates, key=lambda box: _cost(box, panel, placed, marks, obstacles)))
    return [((box.left + box.right) / 2, (box.top + box.bottom) / 2) for box in placed]


def _cost(box: Box, panel: Box, placed: Sequence[Box], marks: Sequence[Box], obstacles: Sequence[Box]) -> float:
    """Return what a place costs: what lies outside the panel or on another label is lost, a line can be read over."""
    outside = box.area - box.overlap(panel)
    return (
        10 * (outside + sum(map(box.overlap, placed)))
        + 3 * sum(map(box.overlap, marks))
        + sum(map(box.overlap, obstacles))
    )


def _around(x: float, y: float, width: float, height: float) -> Iterator[Box]:
    """Yield boxes around a point: right, left, above, below, and further away."""
    for gap in (GAP, 2 * GAP, 3 * GAP, 4 * GAP):
        for across, down in ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1)):
            middle_x = x + across * (gap + width / 2)
            middle_y = y + down * (gap + height / 2)
            yield Box(
                left=middle_x - width / 2,
                right=middle_x + width / 2,
                top=middle_y - height / 2,
                bottom=middle_y + height / 2,
            )
