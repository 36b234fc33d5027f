"""A run that goes on over several machines of one kind: whole rounds, pairs of one machine, and the report of both."""

from __future__ import annotations

import dataclasses
import json
import platform
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.compare_frameworks import rows_of
from harness.analysis.node_agreement import nodes_disagree
from harness.errors import RunFolderError
from harness.files.locations import SOURCE_ROOT
from harness.files.seal import SEAL, hashes_of
from harness.job.experiment import Experiment
from harness.job.plan import plan
from harness.machine.host import describe_host, training_threads
from harness.machine.node import Node, this_node
from harness.records.cell_record import CellRecord
from harness.records.run_folder import RunFolder
from harness.records.run_record import RunRecord
from harness.report.pages.markdown import render_markdown
from harness.report.parts.report import report_of
from harness.run.resume import begun_elsewhere, check_environments, open_run, set_aside
from tests.report.content.test_comparison_table import cell

REFERENCE = SOURCE_ROOT / "results" / "reference-cpu"


def on(node: str, name: str, rate: float, repeat: int) -> CellRecord:
    return cell(name, rate, repeat=repeat, node=node)


def two_machines(factor: float) -> list[CellRecord]:
    """Six rounds, the second half on a machine that is 30% slower, and for one framework by `factor` more."""
    cells = []
    for repeat in range(6):
        node, speed = ("a", 1.0) if repeat < 3 else ("b", 0.7)
        jitter = 1 + 0.001 * (repeat % 3)
        cells.append(on(node, "transformers", 100.0 * speed, repeat))
        cells.append(on(node, "unsloth", 110.0 * speed * jitter * (1.0 if node == "a" else factor), repeat))
    return cells


def test_another_machine_of_the_kind_is_a_block_and_its_speed_cancels() -> None:
    (_, unsloth) = rows_of(two_machines(1.0))
    assert unsloth.tokens_per_second is not None
    comparison = unsloth.tokens_per_second.comparison
    assert comparison is not None
    assert comparison.word == "more"
    assert comparison.ratio.value == pytest.approx(1.101, abs=0.001)
    assert comparison.ratio.n == 6


def test_cells_of_one_round_on_two_machines_are_no_pair() -> None:
    cells = two_machines(1.0)
    stray = [cell for cell in cells if not (cell.repeat == 2 and cell.framework == "unsloth")]
    (_, unsloth) = rows_of([*stray, on("b", "unsloth", 300.0, 2)])
    assert unsloth.tokens_per_second is not None and unsloth.tokens_per_second.comparison is not None
    assert unsloth.tokens_per_second.comparison.ratio.n == 5
    assert unsloth.tokens_per_second.comparison.ratio.value < 1.2


def test_machines_that_rank_alike_do_not_disagree_and_others_do() -> None:
    assert not nodes_disagree(two_machines(1.0), 0.02)
    assert nodes_disagree(two_machines(0.9), 0.02)


@pytest.fixture
def half(tmp_path: Path) -> tuple[RunFolder, Experiment]:
    """A run of which another machine recorded two rounds and a part of the third."""
    folder = RunFolder(tmp_path / "reference-cpu")
    shutil.copytree(REFERENCE, folder.path)
    run = folder.read_run()
    experiment = run.experiment
    left = {cell.name for cell in plan(experiment) if cell.repeat <= 2} | {
        plan_cell(experiment, 3, place) for place in (0, 1)
    }
    for name in folder.recorded_cells() - left:
        shutil.rmtree(folder.cells / name)
    for name in left:
        edit(folder, name, node="0ther000")
    run.host, run.omp_num_threads = describe_host(), training_threads()
    run.status, run.contents, run.nodes = "interrupted", {}, [Node(node="0ther000")]
    folder.write_run(run)
    return folder, experiment


def plan_cell(experiment: Experiment, repeat: int, place: int) -> str:
    return [cell.name for cell in plan(experiment) if cell.repeat == repeat][place]


def edit(folder: RunFolder, cell_name: str, **values: Any) -> None:
    path = folder.cells / cell_name / "cell.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **values}), encoding="utf-8")
    (path.parent / SEAL).unlink()
    (path.parent / SEAL).write_text(json.dumps(hashes_of(path.parent)), encoding="utf-8")


def resumed(folder: RunFolder, experiment: Experiment) -> RunRecord:
    return open_run(experiment, folder, command="", resume=True)


def test_a_round_that_another_machine_did_not_end_is_set_aside_and_nothing_else(
    half: tuple[RunFolder, Experiment],
) -> None:
    folder, experiment = half
    run = resumed(folder, experiment)
    assert [node.node for node in run.nodes] == ["0ther000", this_node().node]
    begun = begun_elsewhere(run, experiment, folder.read_records())
    assert {repeat: len(cells) for repeat, cells in begun.items()} == {3: 2}
    assert len(folder.recorded_cells()) > len(begun[3]), "nothing is moved before the round begins here"
    said = set_aside(3, begun[3], run, folder)
    assert said.startswith("Round 3 was begun on another machine")
    assert {int(name.rpartition("-")[2]) for name in folder.recorded_cells()} == {1, 2}
    assert len(list(folder.aside.iterdir())) == 2
    assert begun_elsewhere(run, experiment, folder.read_records()) == {}


def test_a_report_says_which_rounds_ran_where(half: tuple[RunFolder, Experiment]) -> None:
    folder, _ = half
    for name in folder.recorded_cells():
        if name.endswith("-01"):
            edit(folder, name, node="here0000")
    text = render_markdown(report_of(folder, drawn=False), "x")
    assert "0ther000: rounds 2, 3; here0000: rounds 1" in text


@pytest.mark.parametrize("name", ["cpu", "gpu", "gpu_driver"])
def test_another_kind_of_machine_is_refused_by_what_differs(half: tuple[RunFolder, Experiment], name: str) -> None:
    folder, experiment = half
    run = folder.read_run()
    run.host = dataclasses.replace(run.host, **{name: "something else"})  # type: ignore[arg-type]
    folder.write_run(run)
    with pytest.raises(RunFolderError, match=f"another kind of machine \\({name} = something else"):
        resumed(folder, experiment)


def test_a_node_s_name_tells_nothing_of_its_owner() -> None:
    assert platform.node() not in str(this_node())
    assert this_node() == this_node()


def test_other_versions_than_the_run_was_begun_with_are_refused(half: tuple[RunFolder, Experiment]) -> None:
    folder, experiment = half
    run = resumed(folder, experiment)
    same = {name: str(facts.environment) for name, facts in run.frameworks.items()}
    check_environments(run, same, folder)
    with pytest.raises(RunFolderError, match="which now is torchtune-overlay-0"):
        check_environments(run, {**same, "torchtune": "torchtune-overlay-0"}, folder)
