"""Claims about what becomes of a result: exports, and files on a small board."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.records.deployments import BoardMeasurement, DeploymentFile, DeploymentRecord
from harness.studies.claims.gather import Deployed, Recorded
from harness.studies.claims.judge import Judgement, judge
from harness.studies.claims.registry import choose_claims, read_claims
from tests.studies.deploy.records import file_of, record_of

PI = BoardMeasurement(
    board="Raspberry Pi 5 Model B Rev 1.0",
    sha256="sha of q4_k_m",
    quantization="q4_k_m",
    threads=4,
    first_token_seconds=2.0,
    prompt_tokens_per_second=(60.0, 61.0, 62.0),
    generation_tokens_per_second=(20.0, 21.0, 22.0),
    peak_rss_bytes=800_000_000,
)


def judged(
    claim: str, folder: Path, *records: DeploymentRecord, measured: tuple[BoardMeasurement, ...] = ()
) -> Judgement:
    file = DeploymentFile(folder)
    for record in records:
        file.add(record)
    file.add_measured(measured)
    (asked,) = choose_claims(read_claims(), claim)
    return judge(asked, Recorded(deployed=(Deployed(run="mine", found=file.read()),)))


def test_an_export_as_trained_confirms_that_it_is_easy(tmp_path: Path) -> None:
    found = judged("R6.2", tmp_path, record_of(method="lora"), record_of(method="qlora"), record_of(method="full"))
    assert found.verdict == "confirmed"
    assert len(found.findings) == 3


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        (record_of(method="lora", workaround="by hand"), "inconclusive"),
        (record_of(method="lora", fault="2e-1 apart"), "refuted"),
        (record_of(framework="axolotl", method="lora"), "not measured"),
    ],
)
def test_an_export_with_a_workaround_or_a_fault_does_not(
    record: DeploymentRecord, verdict: str, tmp_path: Path
) -> None:
    assert judged("R6.2", tmp_path, record).verdict == verdict


def test_memory_here_confirms_that_a_file_fits_and_only_a_board_that_it_runs(tmp_path: Path) -> None:
    found = judged("R7.2", tmp_path, record_of())
    assert found.verdict == "partly"
    assert {finding.part.metric for finding in found.findings} == {"fits_on_board"}
    assert [part.metric for part, _ in found.unjudged] == ["runs_on_board"]
    both = judged("R7.2", tmp_path, record_of(), measured=(PI,))
    assert both.verdict == "confirmed"
    assert any("ran on Raspberry Pi 5" in finding.seen for finding in both.findings)


def test_a_file_too_large_for_the_board_refutes(tmp_path: Path) -> None:
    large = file_of("q4_k_m").model_copy(update={"context_rss_bytes": {2048: 9_000_000_000, 32768: 12_000_000_000}})
    assert judged("R7.2", tmp_path, record_of().model_copy(update={"files": (large,)})).verdict == "refuted"


def test_another_method_or_model_is_not_comparable(tmp_path: Path) -> None:
    found = judged("R7.2", tmp_path, record_of(method="full"))
    assert found.verdict == "not comparable"
    assert all("method: full, not qlora" in finding.mismatches for finding in found.findings)
