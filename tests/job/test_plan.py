from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from harness.job.frameworks import FRAMEWORKS
from harness.job.plan import plan
from harness.job.recipe import Choices, resolve


@given(
    frameworks=st.sets(st.sampled_from(FRAMEWORKS), min_size=1),
    methods=st.sets(st.sampled_from(["lora", "qlora", "full"]), min_size=1),
    repeats=st.integers(1, 6),
    seed=st.integers(0, 1000),
)
def test_every_round_runs_everything_once(frameworks: set[str], methods: set[str], repeats: int, seed: int) -> None:
    choices = Choices(
        profile="cpu", frameworks=",".join(frameworks), methods=",".join(methods), repeats=repeats, seed=seed
    )
    experiment = resolve(choices, gpu_present=False)
    cells = plan(experiment)
    assert plan(experiment) == cells
    assert len({cell.name for cell in cells}) == len(cells) == len(frameworks) * len(methods) * repeats
    size = len(frameworks) * len(methods)
    for number in range(repeats):
        this_round = cells[number * size : (number + 1) * size]
        assert {cell.repeat for cell in this_round} == {number + 1}
        assert set(Counter((cell.framework, cell.method) for cell in this_round).values()) == {1}


def test_rounds_and_seeds_have_orders_of_their_own() -> None:
    def order(seed: int, number: int) -> list[str]:
        cells = plan(resolve(Choices(profile="cpu", repeats=4, seed=seed), gpu_present=False))
        return [cell.framework for cell in cells if cell.repeat == number]

    orders = {tuple(order(seed, number)) for seed in range(3) for number in range(1, 5)}
    assert len(orders) > 6
