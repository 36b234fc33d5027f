"""Real frameworks, really probed, through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.job.frameworks import FRAMEWORKS
from harness.records.probes import ProbeFile
from tests.conftest import harness

PROBED = "dora,packing,dpo,resume,export,web_ui"
ENDINGS = {
    "transformers": {"packing": "absent", "dpo": "absent", "web_ui": "absent"},
    "unsloth": {"packing": "fails", "web_ui": "absent"},
    "axolotl": {"web_ui": "absent"},
    "torchtune": {"web_ui": "absent"},
}
"""On a CPU, of what does not work there."""


@pytest.mark.slow
@pytest.mark.usefixtures("environments")
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_a_framework_can_do_is_found_by_doing_it(framework: str, tmp_path: Path) -> None:
    options = ["--frameworks", framework, "--capabilities", PROBED, "--output", "results/probed"]
    done = harness("probe", *options, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    probes = ProbeFile(tmp_path / "results" / "probed").read()
    found = {probe.capability: probe.ending for probe in probes}
    expected = {name: ENDINGS.get(framework, {}).get(name, "works") for name in PROBED.split(",")}
    assert found == expected, [(probe.capability, probe.evidence) for probe in probes]
    assert all(probe.evidence for probe in probes)

    again = harness("probe", *options, folder=tmp_path)
    assert again.returncode == 0
    assert ProbeFile(tmp_path / "results" / "probed").read() == probes


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--capabilities", "dorra"], "'dorra' is not one; did you mean dora?"),
        (["--frameworks", "axolottl"], "did you mean axolotl?"),
    ],
)
def test_a_probe_that_cannot_be_is_refused(tmp_path: Path, options: list[str], words: str) -> None:
    done = harness("probe", *options, folder=tmp_path)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("content", ["{", json.dumps({"schema_version": 9, "probes": []})])
def test_a_file_that_is_not_of_this_program_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "results" / "probed" / "capabilities.json"
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    done = harness("probe", "--output", "results/probed", folder=tmp_path)
    assert done.returncode == 2
    assert "capabilities.json" in done.stderr
    assert path.read_text(encoding="utf-8") == content
