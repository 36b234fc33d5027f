"""Real processes that "hold" memory of a GPU that does not exist: it comes back when they end, as the driver has it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from harness.execute.gpu_memory_gate import GpuGate
from harness.machine.gpu import first_gpu
from tests.machine.stand_in_gpu import StandInGpu

MIB = 2**20
BASE = 512 * MIB
Process = subprocess.Popen[bytes]
PATIENCE = 0.6


@pytest.fixture
def workers() -> Iterator[Callable[[int], list[Process]]]:
    """Starts processes that wait, and ends what is left of them."""
    started: list[Process] = []

    def start(count: int) -> list[Process]:
        new = [subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in range(count)]
        started.extend(new)
        return new

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("listed", [True, False])
def test_workers_that_hold_different_amounts_are_each_counted_with_their_own(
    stand_in_gpu: StandInGpu, workers: Callable[[int], list[Process]], listed: bool
) -> None:
    small, middle, large = (worker.pid for worker in workers(3))
    # Where NVML lists no process, the first turn teaches what a framework's worker holds.
    stand_in_gpu.tell(
        {"used": BASE, "unlisted": int(not listed)},
        living={small: 300 * MIB, middle: 520 * MIB, large: 1200 * MIB},
    )
    turns = [("axolotl", middle), ("unsloth", large), ("transformers", small)]
    left = stand_in_gpu.in_new_process(_take_turns, turns, listed)
    assert [cell["others_bytes"] - BASE for cell in left] == [1500 * MIB, 300 * MIB, 0]
    assert [cell["not_returned_bytes"] for cell in left] == [0, 0, 0]


def test_the_next_cell_waits_until_the_last_one_s_memory_is_back(stand_in_gpu: StandInGpu) -> None:
    stand_in_gpu.tell({"used": BASE})
    waited, left = stand_in_gpu.in_new_process(_give_back_late, str(stand_in_gpu.state), 0.4)
    assert 0.4 <= waited < 5
    assert (left["others_bytes"], left["not_returned_bytes"]) == (BASE, 0)


def test_memory_that_never_comes_back_ends_no_run_and_is_told_with_bytes_and_time(stand_in_gpu: StandInGpu) -> None:
    stand_in_gpu.tell({"used": BASE})
    first, second = stand_in_gpu.in_new_process(_leak, str(stand_in_gpu.state))
    assert first["not_returned_bytes"] == 1024 * MIB
    assert first["since"].startswith("20")
    assert first["others_bytes"] == BASE
    # It was there before the next cell, which is neither charged for it nor waits for it again.
    assert (second["others_bytes"], second["not_returned_bytes"], second["since"]) == (BASE + 1024 * MIB, 0, "")


@pytest.mark.parametrize("listed", [True, False])
def test_a_context_that_grows_while_it_waits_is_nobody_s_leak_where_processes_are_listed(
    stand_in_gpu: StandInGpu, workers: Callable[[int], list[Process]], listed: bool
) -> None:
    own, waiting = (worker.pid for worker in workers(2))
    figures = {"used": BASE, "unlisted": int(not listed)}
    stand_in_gpu.tell(figures, living={own: 300 * MIB, waiting: 300 * MIB})
    left = stand_in_gpu.in_new_process(_grow, str(stand_in_gpu.state), own, waiting, listed)
    # Nobody can tell there which part of the first look was the worker's whose turn it was.
    assert left["others_bytes"] == BASE + (300 if listed else 600) * MIB
    assert left["not_returned_bytes"] == (0 if listed else 400 * MIB)


def test_a_foreign_process_that_comes_and_goes_ends_no_run(
    stand_in_gpu: StandInGpu, workers: Callable[[int], list[Process]]
) -> None:
    own, foreign, later = (worker.pid for worker in workers(3))
    stand_in_gpu.tell({"used": BASE, "unlisted": 1}, living={own: 300 * MIB, later: 300 * MIB})
    first, second = stand_in_gpu.in_new_process(_be_visited, str(stand_in_gpu.state), own, foreign, later)
    assert first["not_returned_bytes"] == 2048 * MIB - 300 * MIB
    assert second["not_returned_bytes"] == 0
    assert second["others_bytes"] == BASE


def _gate() -> GpuGate:
    return GpuGate(gpu=first_gpu(), patience_seconds=PATIENCE)


def _end(pid: int) -> None:
    """End a process of the enclosing test, which reaps it only later: a zombie holds no memory."""
    subprocess.run(["kill", "-9", str(pid)], check=True)
    while Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)


def _take_turns(turns: list[tuple[str, int]], is_listed: bool) -> list[dict[str, Any]]:
    gate, left = _gate(), []
    for framework, worker in turns:
        turn = gate.before_cell(framework, worker)
        _end(worker)
        left.append(asdict(gate.after_cell(turn, is_listed=is_listed)))
    return left


def _give_back_late(state: str, seconds: float) -> tuple[float, dict[str, Any]]:
    gate = GpuGate(gpu=first_gpu())
    turn = gate.before_cell("transformers")
    Path(state).write_text(f"used {3 * BASE}\n", encoding="ascii")
    began = time.monotonic()
    timer = threading.Timer(seconds, Path(state).write_text, [f"used {BASE}\n"])
    timer.start()
    left = gate.after_cell(turn)
    waited = time.monotonic() - began
    timer.join()
    return waited, asdict(left)


def _leak(state: str) -> list[dict[str, Any]]:
    gate = _gate()
    turn = gate.before_cell("unsloth")
    Path(state).write_text(f"used {BASE + 1024 * MIB}\n", encoding="ascii")
    first = gate.after_cell(turn)
    return [asdict(first), asdict(gate.after_cell(gate.before_cell("unsloth")))]


def _grow(state: str, own: int, waiting: int, is_listed: bool) -> dict[str, Any]:
    gate = _gate()
    turn = gate.before_cell("axolotl", own)
    held = Path(state).read_text(encoding="ascii")
    Path(state).write_text(held.replace(f"{waiting} {300 * MIB}", f"{waiting} {1000 * MIB}"), encoding="ascii")
    _end(own)
    return asdict(gate.after_cell(turn, is_listed=is_listed))


def _be_visited(state: str, own: int, foreign: int, later: int) -> list[dict[str, Any]]:
    gate = _gate()
    turn = gate.before_cell("torchtune", own)
    held = Path(state).read_text(encoding="ascii")
    Path(state).write_text(f"{held}living {foreign} {2048 * MIB}\n", encoding="ascii")
    _end(own)
    first = gate.after_cell(turn)
    turn = gate.before_cell("torchtune", later)
    _end(foreign)
    _end(later)
    return [asdict(first), asdict(gate.after_cell(turn))]
