"""What an overlay carries of a node whose packages are known by name alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.bundle.check import asked_of, is_bounded
from harness.bundle.offers import Offer
from harness.bundle.resolve import _carried, _split, _wanted_by, relaxed
from harness.bundle.target_node import TargetNode
from harness.environment.overlays import Interpreter, missing_packages
from tests.bundle.wheel_of import write_wheel

NODE = TargetNode(
    python_version="3.12",
    machine="x86_64",
    glibc=28,
    packages={"torch": "2.11.0", "numpy": "2.5.2", "peft": None, "pyarrow": None, "triton": None, "matplotlib": None},
    source="PACKAGES.txt",
    cuda="130",
)
RESOLUTION = """\
frame==1.0 # via -r in
matplotlib==3.11.2 # via frame
numpy==2.5.2 # via frame, matplotlib
peft==0.20.0 # via -r in, frame
pillow==13.0.0 # via matplotlib
pyarrow==26.0.1 # via frame
triton==3.7.1 # via frame
trl==1.9.0 # via frame
"""
OFFERS = {
    "frame==1.0": Offer(is_pure=True, size_bytes=1),
    "peft==0.20.0": Offer(is_pure=True, size_bytes=800_000),
    "pyarrow==26.0.1": Offer(is_pure=False, size_bytes=45_000_000),
    "matplotlib==3.11.2": Offer(is_pure=False, size_bytes=8_000_000),
    "trl==1.9.0": Offer(is_pure=True, size_bytes=1),
}


def test_small_pure_wheels_of_unknown_versions_travel_and_binaries_may_serve() -> None:
    overlay = _split("frame", ["frame==1.0"], _wanted_by(RESOLUTION), [], NODE, OFFERS)
    assert overlay.wheels == ("frame==1.0", "peft==0.20.0", "trl==1.9.0")
    assert overlay.uncertain == {"matplotlib": "matplotlib==3.11.2", "pyarrow": "pyarrow==26.0.1"}
    assert "triton" in overlay.builds_on
    assert "numpy==2.5.2" in overlay.builds_on


def test_what_only_the_node_s_own_packages_need_is_neither_carried_nor_asked_for() -> None:
    asked = _wanted_by(RESOLUTION)
    assert "pillow==13.0.0" not in _carried(["frame==1.0", "trl==1.9.0", "pillow==13.0.0"], asked)
    overlay = _split("frame", ["frame==1.0"], asked, [], NODE, OFFERS)
    assert "pillow" not in overlay.builds_on


def test_a_binary_travels_where_something_refuses_newer_versions(tmp_path: Path) -> None:
    wheels = [write_wheel(tmp_path, "frame", "1.0", requires=["pyarrow>=21", "matplotlib>=3,<3.11"])]
    asked = ["frame==1.0"]
    assert not is_bounded(asked_of("pyarrow", asked, wheels, NODE))
    assert is_bounded(asked_of("matplotlib", asked, wheels, NODE))
    assert is_bounded(asked_of("pyarrow", [*asked, "pyarrow==26.0.1"], wheels, NODE))
    overlay = _split("frame", asked, _wanted_by(RESOLUTION), [], NODE, OFFERS).carrying(["matplotlib"])
    assert "matplotlib==3.11.2" in overlay.wheels
    assert overlay.uncertain == {"pyarrow": "pyarrow==26.0.1"}


def test_a_pin_of_the_requirements_stays_where_the_node_s_version_is_not_known(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.in"
    requirements.write_text("frame==1.0\npeft==0.20.0\nnumpy==2.4.0\ntorch==2.13.0\n", encoding="utf-8")
    assert relaxed(requirements, "frame", NODE) == ["frame==1.0", "peft==0.20.0", "numpy"]


@pytest.mark.parametrize(
    ("pin", "problems"),
    [
        ("pyarrow>=21", []),
        ("pyarrow>=27", ["pyarrow is 26.0.1, not >=27"]),
        ("pyarrow==25.0", ["pyarrow is 26.0.1, not 25.0"]),
        ("pyarrow", []),
        ("absent>=1", ["absent is missing"]),
    ],
)
def test_setup_looks_whether_the_node_has_what_was_assumed(pin: str, problems: list[str]) -> None:
    python = Interpreter(
        path=Path("/usr/bin/python3"), python_version="3.12.3", machine="x86_64", packages={"pyarrow": "26.0.1"}
    )
    assert missing_packages([pin], python) == problems
