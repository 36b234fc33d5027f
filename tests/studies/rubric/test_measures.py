"""Every measure of the rubric gives the number that is counted by hand from a small run."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import pytest

from harness.job.capabilities import Ending
from harness.job.frameworks import FRAMEWORKS
from harness.job.recipe import Choices, resolve
from harness.records.cell_record import CellRecord
from harness.records.deployments import Deployments, DeploymentsContent
from harness.records.probes import ProbeRecord
from harness.records.searches import SearchRecord, Trial
from harness.studies.rubric import measures
from harness.studies.rubric.facts import Facts
from harness.studies.rubric.measures import MEASURES, METHODS, PARALLEL
from tests.records.some_records import some_cell
from tests.studies.deploy.records import record_of

LOCK = "accelerate==1.0\npeft==2.0\ntorch==3.0\n"
ADAPTER = '"""A module."""\n\n# A comment.\nimport os\n\n\nclass A:\n    x = os\n'
"""Three lines of code, beside a docstring and a comment."""


def cell(framework: str, method: str, repeat: int, rate: float, **columns: Any) -> CellRecord:
    values: dict[str, Any] = {
        "framework": framework,
        "method": method,
        "repeat": repeat,
        "tokens_per_second": rate,
        "end_to_end_tokens_per_second": rate / 10,
        "peak_memory_bytes": 10**9,
        "start_seconds": 2.0,
        "load_seconds": 1.0,
        "first_step_seconds": 1.0,
    }
    return some_cell(**{**values, **columns})


CELLS = [
    # lora: medians 200 and 100; the third round of one alone is in no median.
    cell("unsloth", "lora", 1, 190.0, peak_memory_bytes=4 * 10**9, start_seconds=6.0),
    cell("unsloth", "lora", 2, 210.0, peak_memory_bytes=4 * 10**9, start_seconds=6.0),
    cell("unsloth", "lora", 3, 900.0, peak_memory_bytes=4 * 10**9, start_seconds=6.0),
    cell("torchtune", "lora", 1, 100.0, peak_memory_bytes=10**9),
    cell("torchtune", "lora", 2, 100.0, peak_memory_bytes=10**9),
    # full: 80 and 100.
    cell("unsloth", "full", 1, 80.0, peak_memory_bytes=2 * 10**9, start_seconds=6.0),
    cell("torchtune", "full", 1, 100.0, peak_memory_bytes=2 * 10**9),
    # In one section alone: not scored.
    cell("axolotl", "full", 1, 50.0, peak_memory_bytes=2 * 10**9, start_seconds=None),
]


def probe(
    framework: str, capability: str, ending: Ending = "works", *, device: str = "cpu", **figures: float
) -> ProbeRecord:
    return ProbeRecord(
        framework=framework,
        framework_version="1",
        environment="e",
        device=device,
        capability=capability,
        ending=ending,
        evidence="",
        seconds=1.0,
        figures=figures,
    )


SURVEYS = [
    probe(
        "unsloth",
        "survey",
        installed_bytes=4 * 2.0**30,
        documented_objects=30,
        public_objects=120,
        explained_options=5,
        options=10,
        example_files=7,
    ),
    probe(
        "torchtune",
        "survey",
        installed_bytes=1 * 2.0**30,
        documented_objects=90,
        public_objects=100,
        explained_options=10,
        options=10,
        example_files=63,
    ),
]
INSTALLATIONS = [
    probe("unsloth", "installation", install_seconds=30.0),
    probe("torchtune", "installation", install_seconds=10.0),
]
ENDINGS: tuple[Ending, ...] = ("works", "fails", "needs a GPU", "absent", "listed", "works", "works", "works")
"""Of unsloth's METHODS, in their order: 4 + 2 * 0.5 of 8."""
TRIED = [
    *(probe("unsloth", name, ending) for name, ending in zip(METHODS, ENDINGS, strict=True)),
    *(probe("torchtune", name, "fails", device="cpu") for name in PARALLEL),
    *(probe("axolotl", name, "works", device="cuda") for name in PARALLEL[:3]),
    probe("axolotl", PARALLEL[3], "absent", device="cuda"),
]


def search(framework: str, largest: int, budget: int = 2**33) -> SearchRecord:
    return SearchRecord(
        quantity="sequence_length",
        framework=framework,
        method="lora",
        track="parity",
        budget_bytes=budget,
        environment="e",
        framework_version="1",
        device="cpu",
        omp_num_threads=2,
        memory_kind="peak_rss_bytes",
        job={},
        native={},
        probes=(Trial(size=largest, fits=True, peak_memory_bytes=1),),
    )


DEPLOYED = Deployments(
    DeploymentsContent(
        schema_version=1,
        deployments=[
            record_of("unsloth", "lora"),
            record_of("unsloth", "qlora", workaround="by hand"),
            record_of("unsloth", "full", fault="another head"),
            record_of("torchtune", "lora"),
            record_of("axolotl", "lora").model_copy(update={"export": None, "stopped": "crashed"}),
            record_of("transformers", "lora"),
        ],
    )
)
FACTS = Facts(
    experiment=resolve(Choices(profile="cpu", methods="lora"), gpu_present=False),
    cells=CELLS,
    native={"unsloth": {"a": 1, "b": {"c": 2}}, "torchtune": {"a": 1, "b": [1, 2, 3], "c": {"d": {"e": 1}}}},
    searches=[search("unsloth", 4096), search("torchtune", 1024), search("axolotl", 9999, budget=2**34)],
    probes=[*SURVEYS, *INSTALLATIONS, *TRIED],
    deployments=DEPLOYED,
    registry={
        "asked": datetime.date(2026, 7, 2),
        "frameworks": {
            "unsloth": {"releases_in_a_year": 99, "released": datetime.date(2026, 7, 2)},
            "torchtune": {"releases_in_a_year": 9, "released": datetime.date(2025, 7, 3)},
        },
    },
)
COUNTED: dict[str, dict[str, float]] = {
    "steady_rate": {"unsloth": math.sqrt(1 * 0.8), "torchtune": math.sqrt(0.5 * 1)},
    "end_to_end_rate": {"unsloth": math.sqrt(1 * 0.8), "torchtune": math.sqrt(0.5 * 1)},
    "peak_memory": {"unsloth": math.sqrt(0.25 * 1), "torchtune": 1.0},
    "longest_context": {"unsloth": 1.0, "torchtune": 0.25},
    "install_seconds": {"unsloth": 1 / 3, "torchtune": 1.0},
    "installed_bytes": {"unsloth": 0.25, "torchtune": 1.0},
    # 3 and 6 pins, 1 + 2 and 1 + 0 overruled, 3 and 6 lines of adapter; the others are as the first.
    "packages": {"transformers": 1.0, "unsloth": 1.0, "axolotl": 1.0, "torchtune": 0.5, "llamafactory": 1.0},
    "conflicts": {"transformers": 1 / 3, "unsloth": 1 / 3, "axolotl": 1 / 3, "torchtune": 1.0, "llamafactory": 1 / 3},
    "adapter_lines": {"transformers": 1.0, "unsloth": 1.0, "axolotl": 1.0, "torchtune": 0.5, "llamafactory": 1.0},
    # YAML of 3 lines, and of 8: a, b and its three, c, d, e.
    "config_lines": {"unsloth": 1.0, "torchtune": 3 / 8},
    # 6 + 1 + 1 and 2 + 1 + 1 seconds.
    "seconds_to_first_step": {"unsloth": 0.5, "torchtune": 1.0},
    # One, a half and none of three; a failure may be the machine's, and is not counted.
    "exports": {"transformers": 1.0, "unsloth": 0.5, "torchtune": 1.0},
    "parallel_training": {"axolotl": 0.75},
    "methods": {"unsloth": 5 / 8},
    # log(1 + 99) is the most; log(10) / log(100) is half.
    "releases": {"unsloth": 1.0, "torchtune": 0.5},
    # 364 days are two half years of 182 days, nearly.
    "freshness": {"unsloth": 1.0, "torchtune": 0.5 ** (364 / 182.5)},
    "docstrings": {"unsloth": 0.25, "torchtune": 0.9},
    "explained_options": {"unsloth": 0.5, "torchtune": 1.0},
    # log(1 + 7) is half of log(1 + 63).
    "examples": {"unsloth": 0.5, "torchtune": 1.0},
}


@pytest.fixture
def adapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of adapters whose lines are counted by hand."""
    for name in FRAMEWORKS:
        folder = tmp_path / name
        folder.mkdir()
        twice = 2 if name == "torchtune" else 1
        (folder / "requirements.lock").write_text(LOCK + LOCK.replace("==", "-x==") * (twice - 1), encoding="utf-8")
        (folder / "adapter.py").write_text(ADAPTER, encoding="utf-8")
        (folder / "probes.py").write_text("x = 1\n" * 50, encoding="utf-8")
        if twice == 2:
            (folder / "more.py").write_text("x = 1\n" * 3, encoding="utf-8")
        else:
            (folder / "overrides.txt").write_text("# Why.\ntorch==3.0\n\npeft==2.0\n", encoding="utf-8")
    monkeypatch.setattr(measures, "ADAPTERS", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", sorted(COUNTED))
@pytest.mark.usefixtures("adapters")
def test_a_measure_gives_what_is_counted_by_hand(name: str) -> None:
    found = {framework: score.value for framework, score in MEASURES[name](FACTS).items()}
    assert found == pytest.approx(COUNTED[name])


def test_knobs_are_those_that_an_adapter_takes() -> None:
    """By hand, from what each adapter's `configure` refuses on a CPU."""
    refused = {"transformers": 0, "unsloth": 5, "axolotl": 0, "torchtune": 3, "llamafactory": 0}
    found = MEASURES["knobs"](FACTS)
    assert {name: score.value for name, score in found.items()} == pytest.approx(
        {name: (17 - count) / 17 for name, count in refused.items()}
    )


def test_every_measure_is_counted() -> None:
    assert {*COUNTED, "knobs"} == set(MEASURES)
