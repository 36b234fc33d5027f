"""Real frameworks at one size after another, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.records.searches import SearchFile, largest_fit, smallest_miss
from tests.conftest import harness

BUDGET = 1700 * 2**20
OPTIONS = ["--profile", "cpu", "--budget", "1700MiB", "--frameworks", "transformers", "--output", "results/capacity"]
SMALL = ["--set", "sequence_length=64", "--set", "shape.max_position_embeddings=2048"]


@pytest.mark.slow
def test_the_longest_sequence_within_a_budget_is_found_and_never_searched_again(tmp_path: Path) -> None:
    done = harness("probe", "--max-context", *OPTIONS, *SMALL, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (search,) = SearchFile(tmp_path / "results" / "capacity").read()
    best, miss = largest_fit(search.probes), smallest_miss(search.probes)
    assert best is not None
    assert miss is not None
    assert best.peak_memory_bytes is not None
    assert 0 < miss.size - best.size <= max(64, 0.02 * best.size)
    assert 0.9 * BUDGET < best.peak_memory_bytes <= BUDGET
    assert f"{best.size:,} tokens" in done.stdout

    again = harness("probe", "--max-context", *OPTIONS, *SMALL, folder=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert SearchFile(tmp_path / "results" / "capacity").read() == [search]


@pytest.mark.slow
def test_the_largest_micro_batch_within_a_budget_is_found(tmp_path: Path) -> None:
    done = harness("probe", "--max-batch", *OPTIONS, *SMALL, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (search,) = SearchFile(tmp_path / "results" / "capacity").read()
    best, miss = largest_fit(search.probes), smallest_miss(search.probes)
    assert best is not None
    assert miss is not None
    assert miss.size == best.size + 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--max-context", "--budget", "4"], "--budget: '4' must be a number with MiB, GiB, MB or GB"),
        (["--max-context", "--budget", "900TB"], "--budget: '900TB' must be"),
        (["--max-context", "--budget", "90000GB"], "is more than the"),
    ],
)
def test_a_search_that_cannot_be_is_refused(tmp_path: Path, options: list[str], words: str) -> None:
    done = harness("probe", "--profile", "cpu", *options, folder=tmp_path)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("content", ["{", json.dumps({"schema_version": 9, "searches": []})])
def test_a_file_that_is_not_of_this_program_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "results" / "capacity" / "capacity.json"
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    done = harness("probe", "--max-context", *OPTIONS, folder=tmp_path)
    assert done.returncode == 2
    assert "capacity.json" in done.stderr
    assert path.read_text(encoding="utf-8") == content
