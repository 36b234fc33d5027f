"""The real pynvml, asked of a stand-in for the driver's library."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.errors import GpuBusyError
from harness.execute.exclusive_gpu import hold_gpu
from harness.machine.gpu import Gpu, first_gpu
from harness.machine.gpu_watch import GpuWatch, gpu_figures, peak_used_bytes
from tests.conftest import harness
from tests.machine.stand_in_gpu import StandInGpu

GIB = 2**30
IDLE = {"used": GIB // 2}
AT_WORK = {
    "used": 3 * GIB,
    "power": 400_000,
    "sm_clock": 1980,
    "memory_clock": 3201,
    "temperature": 61,
    "reasons": 4 | 1,
    "busy": 75,
}
POWER_CAP = "power cap"


@pytest.fixture
def gpu(stand_in_gpu: StandInGpu) -> StandInGpu:
    stand_in_gpu.tell(IDLE)
    return stand_in_gpu


@pytest.mark.parametrize(
    ("visible", "uuid"),
    [
        (None, "GPU-stand-in-0"),
        ("1,0", "GPU-stand-in-1"),
        ("GPU-stand-in-1", "GPU-stand-in-1"),
        ("MIG-stand-in-1-2", "MIG-stand-in-1-2"),
        ("MIG-stand-in-1", None),
        ("GPU-stand-in-", None),
    ],
)
def test_the_visible_gpu_is_known_by_its_uuid(gpu: StandInGpu, visible: str | None, uuid: str | None) -> None:
    gpu.tell({**IDLE, "devices": 2, "partitions": 3})
    if uuid is None:
        assert gpu.in_new_process(_first_gpu, visible) is None
        return
    found = gpu.in_new_process(_first_gpu, visible)
    assert found is not None
    assert (found.uuid, found.memory_bytes, found.driver_version) == (uuid, 80 * GIB, "999.99")


@pytest.mark.parametrize("visible", ["", "-1", "7", "GPU-of-another-machine"])
def test_a_gpu_that_the_user_hid_or_that_is_not_there_is_none(gpu: StandInGpu, visible: str) -> None:
    assert gpu.in_new_process(_first_gpu, visible) is None


@pytest.mark.parametrize("visible", ["GPU-stand", "GPU-s", "MIG-stand-in-0-1"])
def test_so_much_of_a_uuid_as_is_unique_names_a_gpu_as_in_cuda(gpu: StandInGpu, visible: str) -> None:
    gpu.tell({**IDLE, "partitions": 2})
    found = gpu.in_new_process(_first_gpu, visible)
    assert found is not None
    assert found.uuid.startswith(visible)


@pytest.mark.parametrize(
    ("visible", "words"),
    [
        ("7", "'7' names no GPU of this machine, which has GPU-stand-in-0, GPU-stand-in-1"),
        ("99999999999999", "names no GPU of this machine"),
        ("GPU-nothere", "'GPU-nothere' names no GPU"),
        ("GPU-stand", "'GPU-stand' names several GPUs"),
        ("cuda:0", "'cuda:0' names no GPU"),
    ],
)
def test_a_gpu_that_is_asked_for_and_not_there_is_no_reason_to_train_on_the_cpu(
    gpu: StandInGpu, tmp_path: Path, visible: str, words: str
) -> None:
    gpu.tell({**IDLE, "devices": 2})
    ended = _harness(gpu, tmp_path, "run", CUDA_VISIBLE_DEVICES=visible)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "unset it, or ask for the CPU with --profile cpu" in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"nvml.txt"}


@pytest.mark.parametrize("command", ["run", "audit", "ceiling", "probe", "show --framework torchtune --method lora"])
def test_a_gpu_that_is_named_where_there_is_no_driver_is_refused_too(tmp_path: Path, command: str) -> None:
    ended = harness(*command.split(), folder=tmp_path, CUDA_VISIBLE_DEVICES="0")
    assert ended.returncode == 2
    assert "CUDA_VISIBLE_DEVICES: '0' names a GPU, and this machine has no NVIDIA driver" in ended.stderr


def test_power_energy_clocks_heat_and_memory_are_what_the_device_tells(gpu: StandInGpu) -> None:
    gpu.tell(AT_WORK)
    seen = gpu.in_new_process(_watch_one_second, str(gpu.state), {"other": 999_999, "own": 2 * GIB})
    assert seen["energy_joules_per_1000_tokens"] == pytest.approx(400 * seen["span"] / 8192 * 1000, rel=0.01)
    assert seen["energy_source"] == "counter of the GPU"
    assert seen["mean_power_watts"] == 400
    assert seen["gpu_busy_share"] == 0.75
    assert (seen["median_sm_clock_mhz"], seen["median_memory_clock_mhz"]) == (1980, 3201)
    assert seen["peak_temperature_celsius"] == 61
    assert (seen["clocks_lowered_share"], seen["clocks_lowered_by"]) == (1.0, POWER_CAP)
    assert seen["used"] == 3 * GIB - GIB // 2
    assert (seen["process"], seen["others"]) == (2 * GIB, 1)
    assert seen["looks"] > 20
    assert seen["watching_cpu_seconds"] > 0


def test_energy_is_power_over_time_where_there_is_no_counter(gpu: StandInGpu) -> None:
    gpu.tell({**AT_WORK, "no_counter": 1})
    seen = gpu.in_new_process(_watch_one_second, str(gpu.state), {})
    assert seen["energy_source"] == "power over time"
    assert seen["energy_joules_per_1000_tokens"] == pytest.approx(400 * seen["span"] / 8192 * 1000, rel=0.01)


def test_what_the_device_does_not_tell_is_nothing_and_not_zero(gpu: StandInGpu) -> None:
    seen = gpu.in_new_process(_watch_one_second, str(gpu.state), {})
    assert seen["process"] is None
    assert "energy_joules_per_1000_tokens" not in seen
    assert "clocks_lowered_share" not in seen
    unknown = (
        "mean_power_watts",
        "median_sm_clock_mhz",
        "median_memory_clock_mhz",
        "peak_temperature_celsius",
        "gpu_busy_share",
    )
    assert {seen[name] for name in unknown} == {None}


def test_a_run_on_a_gpu_in_use_is_refused_and_writes_nothing(gpu: StandInGpu, tmp_path: Path) -> None:
    gpu.tell({"used": 11 * GIB}, processes={4321: 10 * GIB})
    ended = _harness(gpu, tmp_path, "run", "--profile", "gpu", "--output", "out")
    assert ended.returncode == 2
    assert "process 4321 holds 10.0 GiB" in ended.stderr
    assert "--allow-busy" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "out").exists()


def test_memory_held_by_processes_that_are_not_listed_counts_as_use(gpu: StandInGpu) -> None:
    gpu.tell({"used": 11 * GIB})
    assert "11.0 GiB are held by processes that are not listed" in gpu.in_new_process(_refusal, False)
    assert gpu.in_new_process(_refusal, True) == ""


def test_a_gpu_that_others_keep_busy_in_little_memory_is_in_use(gpu: StandInGpu) -> None:
    gpu.tell({"used": GIB, "busy": 100})
    assert "keep it busy for 100% of the time" in gpu.in_new_process(_refusal, False)
    gpu.tell({"used": GIB, "busy": 4})
    assert gpu.in_new_process(_refusal, False) == ""


def test_a_second_harness_on_the_same_gpu_is_refused(gpu: StandInGpu) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in gpu.variables.items():
            patch.setenv(name, value)
        holding = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert holding.stdin is not None and holding.stdout is not None
        assert holding.stdout.readline() == b"held\n"
        assert "another run of this harness" in gpu.in_new_process(_refusal, True)
        # Not asked to end, but killed: nothing that it leaves behind may lock the GPU.
        holding.kill()
        holding.wait()
        holding.stdin.close()
        holding.stdout.close()
        assert gpu.in_new_process(_refusal, False) == ""


def test_doctor_names_the_gpu(gpu: StandInGpu, tmp_path: Path) -> None:
    assert "Stand-in 0, 80.00 GiB, driver 999.99" in _harness(gpu, tmp_path, "doctor").stdout


HOLD = """
import sys
from harness.execute.exclusive_gpu import hold_gpu
with hold_gpu("cuda", allow_busy=False):
    print("held", flush=True)
    sys.stdin.read()
"""


def _harness(gpu: StandInGpu, folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, **gpu.variables, "HARNESS_CACHE": str(folder / "cache"), **variables}
    command = [sys.executable, "-m", "harness", *words]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def _first_gpu(visible: str | None) -> Gpu | None:
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    if visible is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible
    return first_gpu()


def _watch_one_second(state: str, held: dict[str, int]) -> dict[str, Any]:
    if held:
        with Path(state).open("a", encoding="ascii") as file:
            file.write(f"process {os.getpid()} {held['own']}\nprocess {held['other']} {GIB}\n")
    watch = GpuWatch()
    watch.own_pids = frozenset({os.getpid()})
    watch.start()
    time.sleep(0.2)
    begin = time.monotonic()
    time.sleep(0.7)
    end = time.monotonic()
    time.sleep(0.1)
    watch.stop()
    seen = watch.seen
    return {
        **gpu_figures(seen, begin, end, tokens=8192),
        "span": end - begin,
        "used": peak_used_bytes(seen.readings, GIB // 2),
        "process": seen.process_peak_bytes,
        "others": seen.other_processes,
        "looks": len(seen.readings),
        "watching_cpu_seconds": seen.watching_cpu_seconds,
    }


def _refusal(allow_busy: bool) -> str:
    try:
        with hold_gpu("cuda", allow_busy=allow_busy):
            return ""
    except GpuBusyError as error:
        return str(error)
