from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.report.figures.labels import LETTER, Box, place_labels

SIZE = 12.0
PANEL = Box(left=0, top=0, right=320, bottom=190)
SPOTS = st.tuples(st.floats(0, 320), st.floats(0, 190))


def box(place: tuple[float, float], text: str) -> Box:
    half = LETTER * SIZE * len(text) / 2
    x, y = place
    return Box(left=x - half, right=x + half, top=y - SIZE / 2, bottom=y + SIZE / 2)


def test_labels_of_points_that_lie_close_cover_neither_each_other_nor_a_line() -> None:
    names = ("transformers", "unsloth", "axolotl")
    points = [(160.0 + n, 95.0 + n, name) for n, name in enumerate(names)]
    line = Box(left=159, right=161, top=0, bottom=190)
    boxes = [
        box(place, name)
        for place, name in zip(place_labels(points, [line], width=320, height=190, size=SIZE), names, strict=True)
    ]
    assert all(one.overlap(other) == 0 for one in boxes for other in boxes if one is not other)
    assert all(one.overlap(line) == 0 for one in boxes)


@given(SPOTS)
def test_a_label_stays_in_its_panel(spot: tuple[float, float]) -> None:
    (place,) = place_labels([(*spot, "llamafactory")], [], width=320, height=190, size=SIZE)
    shown = box(place, "llamafactory")
    assert shown.overlap(PANEL) >= 0.999 * shown.area
