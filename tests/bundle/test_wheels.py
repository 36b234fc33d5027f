from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.bundle.check import unmet
from harness.bundle.target_node import TargetNode
from harness.bundle.wheels import slim
from tests.bundle.wheel_of import write_wheel

NODE = TargetNode(
    python_version="3.12",
    machine="x86_64",
    glibc=28,
    packages={"torch": "2.11.0", "numpy": "2.5.2", "peft": None},
    source="PACKAGES.txt",
    cuda="130",
)
LIBRARIES = {
    f"bitsandbytes/libbitsandbytes_{name}.so": b"x" * 10_000
    for name in ("cpu", "cuda118", "cuda129", "cuda130", "cuda132", "rocm72", "xpu")
}


def test_bitsandbytes_keeps_the_library_for_the_nodes_cuda_and_the_cpus(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "bitsandbytes", "0.50.2", files=LIBRARIES)
    saved = slim(wheel, NODE)
    assert saved > 40_000
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        record = archive.read("bitsandbytes-0.50.2.dist-info/RECORD").decode()
    left = {name.rpartition("_")[2] for name in names if name.endswith(".so")}
    assert left == {"cpu.so", "cuda130.so"}
    assert "cuda118" not in record
    assert "cuda130" in record


def test_a_library_for_another_cuda_is_kept_where_there_is_none_for_the_nodes(tmp_path: Path) -> None:
    without = {name: content for name, content in LIBRARIES.items() if "cuda130" not in name}
    wheel = write_wheel(tmp_path, "bitsandbytes", "0.50.2", files=without)
    slim(wheel, NODE)
    with zipfile.ZipFile(wheel) as archive:
        assert set(without) <= set(archive.namelist())
    assert not list(tmp_path.glob("*.slim"))


def test_unsloth_loses_its_web_studio_and_nothing_else(tmp_path: Path) -> None:
    files = {"studio/app.js": b"x" * 10_000, "unsloth/models/studio.py": b"kept = True\n"}
    wheel = write_wheel(tmp_path, "unsloth", "1.0", files=files)
    assert slim(wheel, NODE) > 9_000
    with zipfile.ZipFile(wheel) as archive:
        assert "unsloth/models/studio.py" in archive.namelist()
        assert "studio/app.js" not in archive.namelist()


def test_other_wheels_are_not_touched(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "trl", "1.0", files={"studio/app.js": b"x"})
    before = wheel.read_bytes()
    assert slim(wheel, NODE) == 0
    assert wheel.read_bytes() == before


def test_a_slimmed_wheel_still_installs(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "bitsandbytes", "0.50.2", files=LIBRARIES)
    slim(wheel, NODE)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target"]
    subprocess.run([*command, str(tmp_path / "site"), str(wheel)], check=True, capture_output=True)
    assert (tmp_path / "site" / "bitsandbytes" / "libbitsandbytes_cuda130.so").is_file()


@pytest.mark.parametrize(
    ("requires", "problem"),
    [
        ("numpy>=2.0", ""),
        ("peft==0.1", ""),
        ("helper>=1", ""),
        ("colorama; sys_platform == 'win32'", ""),
        ("typing-extensions; python_version < '3.12'", ""),
        ("sphinx; extra == 'docs'", ""),
        ("excused==9", ""),
        ("numpy<2.5", "asking needs numpy<2.5, and numpy is 2.5.2"),
        ("helper>=2", "asking needs helper>=2, and helper is 1.5"),
        ("absent", "asking needs absent, which neither the bundle nor the node has"),
    ],
)
def test_what_a_wheel_asks_for_must_be_there(tmp_path: Path, requires: str, problem: str) -> None:
    wheels = [
        write_wheel(tmp_path, "asking", "1.0", requires=[requires]),
        write_wheel(tmp_path, "helper", "1.5"),
    ]
    assert unmet(wheels, NODE, ["excused"]) == ([problem] if problem else [])


def test_native_libraries_are_packed_more_tightly_and_still_install(tmp_path: Path) -> None:
    files = {"fast/_native.so": bytes(range(256)) * 4000}
    wheel = write_wheel(tmp_path, "fast", "1.0", files=files, tag="py3-none-manylinux_2_17_x86_64")
    assert slim(wheel, NODE) > 900_000
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("fast/_native.so") == files["fast/_native.so"]
