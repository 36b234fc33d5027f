from __future__ import annotations

from pathlib import Path

import pytest

from harness.bundle.target_node import read_node
from harness.errors import BundleError

FROZEN = """\
# python3 -m pip freeze
torch==2.11.0+cu130
Transformers==5.17.0
huggingface_hub==1.33.0
peft
local-thing @ file:///somewhere/local_thing-1.0-py3-none-any.whl
-e git+ssh://somewhere/else
"""


def packages(folder: Path, text: str) -> Path:
    path = folder / "PACKAGES.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_node_is_what_pip_freeze_says_of_it(tmp_path: Path) -> None:
    node = read_node(packages(tmp_path, FROZEN), python="3.12", platform="manylinux")
    assert node.packages == {
        "torch": "2.11.0",
        "transformers": "5.17.0",
        "huggingface-hub": "1.33.0",
        "peft": None,
        "local-thing": None,
    }
    assert node.cuda == "130"
    assert node.has("huggingface_hub", "1.33.0")
    assert not node.has("transformers", "5.16.1")
    assert not node.has("peft", "0.1"), "a version that is not known is not taken to be the right one"
    assert node.has_in_some_version("peft")
    assert not node.has("trl", "1.15.0")


def test_a_platform_takes_every_wheel_for_its_glibc_or_an_older_one(tmp_path: Path) -> None:
    base = packages(tmp_path, FROZEN)
    tags = read_node(base, python="3.12", platform="manylinux_2_17_aarch64").platform_tags
    assert tags[0] == "manylinux_2_17_aarch64"
    assert {"manylinux_2_5_aarch64", "manylinux2014_aarch64", "linux_aarch64"} < set(tags)
    assert "manylinux_2_28_aarch64" not in tags
    assert read_node(base, python="3.12", platform="manylinux").platform_tags[0] == "manylinux_2_28_x86_64"


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("numpy==2.5.2\n", {}, "names no torch==VERSION"),
        ("torch\n", {}, "names no torch==VERSION"),
        ("torch==2.11.0\nnumpy>=2\n", {}, "line 2: 'numpy>=2' is not NAME==VERSION"),
        ("torch==new\n", {}, "line 1: 'new' is no version"),
        (FROZEN, {"python": "3"}, "--python 3: must be the node's version, like 3.12"),
        (FROZEN, {"platform": "win_amd64"}, "--platform win_amd64: must be manylinux"),
    ],
)
def test_what_cannot_be_a_node_is_refused_with_the_place(
    tmp_path: Path, text: str, options: dict[str, str], words: str
) -> None:
    with pytest.raises(BundleError) as refused:
        read_node(packages(tmp_path, text), **{"python": "3.12", "platform": "manylinux", **options})
    assert words in str(refused.value)


def test_a_list_that_is_not_there_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="pip freeze"):
        read_node(tmp_path / "PACKAGES.txt", python="3.12", platform="manylinux")
