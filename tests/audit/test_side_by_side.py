"""Audits side by side say what audits one after the other say, and leave nothing behind when they are stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import harness as package
from harness.audit.passes import audit_all
from harness.audit.side_by_side import roughly_held_bytes
from harness.audit.verdict import Verdict
from harness.environment.environment import Environment
from harness.execute.hosts import Hosts
from harness.execute.watch import Limits
from harness.frameworks import REFERENCE, REFERENCE_ENVIRONMENT, load_adapter
from harness.job import Job
from harness.locations import SOURCE_ROOT, cache_root
from harness.plan import Entry
from harness.prepare import prepare
from harness.recipe import Choices, resolve


@pytest.fixture
def verdicts(
    environments: dict[str, Environment], small_job: Job, tmp_path: Path
) -> Iterator[Callable[[Callable[[Entry], None]], list[Verdict]]]:
    """Audits transformers and torchtune at once, beside the reference."""
    own = {name: environments[name] for name in ("transformers", "torchtune")}
    with Hosts("cpu", {**own, REFERENCE: environments[REFERENCE_ENVIRONMENT]}, "cold", tmp_path) as hosts:
        hosts.start_all()
        entries = [Entry(framework=name, track="parity", job=small_job) for name in own]
        limits = Limits(timeout_seconds=600, silence_seconds=600)
        inputs = {small_job.method: prepare(small_job, cache_root())}
        yield lambda begins: list(
            audit_all(entries, inputs, hosts, limits, load_adapter, begins, lambda event: None, at_once=3)
        )


@pytest.mark.slow
def test_audits_side_by_side_find_the_same_job(verdicts: Callable[[Callable[[Entry], None]], list[Verdict]]) -> None:
    found = verdicts(lambda entry: None)
    assert {(one.framework, one.same_job) for one in found} == {("transformers", "yes"), ("torchtune", "yes")}


@pytest.mark.slow
def test_an_interrupt_ends_all_that_is_audited(verdicts: Callable[[Callable[[Entry], None]], list[Verdict]]) -> None:
    def interrupted(entry: Entry) -> None:
        if entry.framework == "torchtune":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verdicts(interrupted)
    assert not [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]


def test_a_process_is_taken_to_hold_more_than_what_was_ever_seen_of_it() -> None:
    seen = package.load_results(SOURCE_ROOT / "results" / "reference-h200-lora").gpu_process_peak_bytes
    assert (
        roughly_held_bytes("transformers", resolve(Choices(profile="gpu"), gpu_present=True).jobs["lora"]) > seen.max()
    )
