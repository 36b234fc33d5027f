from __future__ import annotations

import ast
import math

import pytest

from adapters.base import Unsupported
from adapters.instruments.command import first_error
from adapters.instruments.probing.context import Listed, ProbeContext, Watching, absent
from adapters.instruments.probing.processes import example
from harness.errors import RecipeError
from harness.execute.events import Fact
from harness.execute.watch_cell import Ended
from harness.files.locations import ADAPTERS
from harness.job.capabilities import (
    CAPABILITIES,
    INSTALLATION,
    OF_ONE_FRAMEWORK,
    capabilities_of,
    choose_capabilities,
)
from harness.job.frameworks import FRAMEWORKS
from harness.machine.background_load import Load
from harness.machine.gpu_watch import GpuSeen
from harness.studies.probe.endings import ending_of


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_framework_has_a_probe_for_every_capability(framework: str) -> None:
    tree = ast.parse((ADAPTERS / framework / "probes.py").read_text(encoding="utf-8"))
    (probes,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "PROBES"
    )
    assert isinstance(probes, ast.Dict)
    names = {key.value for key in probes.keys if isinstance(key, ast.Constant)}
    asked = {*capabilities_of(framework, choose_capabilities("all"))} - {INSTALLATION}
    assert names - {"load_export"} == asked


def ended(outcome: str, reason: str = "", evidence: str = "") -> Ended:
    events = (Fact(name="evidence", value=evidence),) if evidence else ()
    return Ended(
        outcome=outcome,  # type: ignore[arg-type]
        reason=reason,
        events=events,
        requested_at=0.0,
        ended_at=1.0,
        tree_peak_rss_bytes=0,
        gpu=GpuSeen(),
        load=Load(other_cpu_cores=None, swapped_bytes=0),
    )


@pytest.mark.parametrize(
    ("end", "on_gpu", "expected"),
    [
        (ended("ok", evidence="14 vectors"), False, ("works", "14 vectors")),
        (ended("unsupported", "Unsupported: no option"), False, ("absent", "no option")),
        (ended("unsupported", "Listed: stage: ppo"), False, ("listed", "stage: ppo")),
        (ended("crashed", "RuntimeError: No GPU found"), False, ("needs a GPU", "crashed: RuntimeError: No GPU found")),
        (ended("crashed", "RuntimeError: No GPU found"), True, ("fails", "crashed: RuntimeError: No GPU found")),
        (
            ended("crashed", "ImportError: no optimum; its log ends: cuda / nvidia"),
            False,
            ("fails", "crashed: ImportError: no optimum"),
        ),
        (ended("timeout", "took longer than 300 s"), False, ("fails", "timeout: took longer than 300 s")),
    ],
)
def test_how_a_process_ended_says_whether_it_works(end: Ended, on_gpu: bool, expected: tuple[str, str]) -> None:
    assert ending_of(end, on_gpu=on_gpu) == expected


def test_capabilities_are_chosen_by_name() -> None:
    assert choose_capabilities("dora, packing") == ("dora", "packing")
    assert set(choose_capabilities("all")) == {*CAPABILITIES, *OF_ONE_FRAMEWORK}
    assert capabilities_of("axolotl", ("dora", "use_unsloth")) == ("dora",)
    with pytest.raises(RecipeError, match="did you mean dora"):
        choose_capabilities("dorra")
    with pytest.raises(RecipeError, match="names none"):
        choose_capabilities(",")


@pytest.mark.parametrize("losses", [[], [math.nan], [1.0, math.inf]])
def test_training_without_finite_losses_is_no_evidence(losses: list[float]) -> None:
    watching = Watching()
    for step, loss in enumerate(losses, start=1):
        watching.step_logged(step, loss=loss)
    with pytest.raises(ValueError, match="without a finite loss"):
        watching.evidence()


def test_what_is_absent_was_looked_for_and_what_is_named_is_only_listed(context: ProbeContext) -> None:
    looked_for = absent("relora", lambda: {"its options": ["rank", "relora_steps"]})
    with pytest.raises(Listed, match="its options: relora_steps"):
        looked_for(context)
    with pytest.raises(Unsupported, match="no option with 'relora' in its options"):
        absent("relora", lambda: {"its options": ["rank"]})(context)


def test_an_example_that_takes_a_change_is_no_example_that_works() -> None:
    def fails() -> str:
        raise KeyError("dataset_info.json")

    assert example([("as written", lambda: "trained")]) == "works as written: trained"
    with pytest.raises(ValueError, match=r"as written: KeyError.*; works with a file: trained"):
        example([("as written", fails), ("with a file", lambda: "trained")])
    with pytest.raises(ValueError, match="as written: KeyError"):
        example([("as written", fails)])


def test_the_error_of_a_command_is_the_first_that_python_told_and_no_launchers() -> None:
    lines = ["Traceback", "  File x", "ValueError: wrong rank", "RuntimeError: peer is gone", "x.ChildFailedError: "]
    text = "\n".join(lines)
    assert first_error(text) == "ValueError: wrong rank"
    assert first_error("nothing\nat all\n") == "at all"


@pytest.fixture
def context(tmp_path_factory: pytest.TempPathFactory) -> ProbeContext:
    from harness.job.frameworks import load_adapter

    folder = tmp_path_factory.mktemp("probe")
    return ProbeContext(
        adapter=load_adapter("transformers"),
        configs={},
        folder=folder,
        model_path=folder,
        adapter_path=folder,
        text_path=folder,
        preferences_path=folder,
    )
