from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.records.searches import Trial, largest_fit, smallest_miss
from harness.studies.capacity.search import RESOLUTION, SizeRange, next_size

GIB = 2**30


def searched(memory_at: list[float], budget: int, sizes: SizeRange) -> list[Trial]:
    """All probes of a search where a size takes base + slope x size + curve x size squared bytes."""
    base, slope, curve = memory_at
    probes: list[Trial] = []
    while (size := next_size(probes, budget, sizes)) is not None:
        held = int(base + slope * size + curve * size**2)
        fits = held <= budget
        probes.append(Trial(size=size, fits=fits, peak_memory_bytes=held if fits else None))
        assert len(probes) < 60
    return probes


@given(
    base=st.floats(0, 20 * GIB),
    slope=st.floats(1e3, 1e7),
    curve=st.floats(0, 100),
    step=st.sampled_from([1, 64]),
    first=st.integers(1, 4096),
    most=st.integers(64, 10**6),
)
def test_the_largest_that_fits_is_found_to_the_resolution(
    base: float, slope: float, curve: float, step: int, first: int, most: int
) -> None:
    probes = searched([base, slope, curve], 16 * GIB, SizeRange(step=step, first=first, most=most))
    sizes = [probe.size for probe in probes]
    assert len(set(sizes)) == len(sizes)
    assert all(size % step == 0 and size <= most for size in sizes)
    best, miss = largest_fit(probes), smallest_miss(probes)
    if miss is None:
        assert best is not None
        assert best.size > most - step
    elif best is None:
        assert miss.size == step
    else:
        assert 0 < miss.size - best.size <= max(step, RESOLUTION * best.size)


def test_a_line_needs_few_probes() -> None:
    probes = searched([1.5 * GIB, 200_000.0, 0.0], 80 * GIB, SizeRange(step=64, first=1024, most=10**6))
    assert len(probes) <= 8
    best = largest_fit(probes)
    assert best is not None
    assert best.size > 0.98 * (80 - 1.5) * GIB / 200_000


def test_a_first_guess_that_is_far_too_large_is_not_crept_back_from() -> None:
    probes = searched([0.9 * GIB, 2_700_000.0, 0.0], 4 * GIB, SizeRange(step=64, first=1024, most=40960))
    assert len(probes) <= 6


def test_nothing_fits_where_the_weights_do_not() -> None:
    probes = searched([20.0 * GIB, 1e5, 0.0], 16 * GIB, SizeRange(step=64, first=1024, most=10**6))
    assert largest_fit(probes) is None
    assert len(probes) <= 8
