from __future__ import annotations

import pytest

from harness.job.capabilities import Ending
from harness.records.probes import ProbeRecord
from harness.studies.claims.gather import Recorded
from harness.studies.claims.judge import judge
from tests.studies.claims.some_evidence import claim


@pytest.mark.parametrize(
    ("endings", "verdict"),
    [
        (("works", "works"), "confirmed"),
        (("works", "absent"), "partly"),
        (("absent", "absent"), "refuted"),
        (("works", "fails"), "partly"),
        (("fails", "listed"), "inconclusive"),
        (("needs a GPU", "needs a GPU"), "not comparable"),
        (("absent", "needs a GPU"), "refuted"),
    ],
)
def test_what_works_confirms_and_what_is_absent_refutes_that_it_can_be_done(
    endings: tuple[Ending, ...], verdict: str
) -> None:
    said = claim(parts=[{"metric": "supports", "what": ["dora", "packing"]}])
    attempts = [
        ProbeRecord(
            framework="unsloth",
            framework_version="1",
            environment="one",
            device="cpu",
            capability=capability,
            ending=ending,
            evidence="seen",
            seconds=1.0,
        )
        for capability, ending in zip(("dora", "packing"), endings, strict=True)
    ]
    assert judge(said, Recorded(attempts=tuple(attempts))).verdict == verdict
    others = [attempt.model_copy(update={"framework": "axolotl"}) for attempt in attempts]
    assert judge(said, Recorded(attempts=tuple(others))).verdict == "not measured"
