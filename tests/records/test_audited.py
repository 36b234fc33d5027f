from __future__ import annotations

import dataclasses

import pytest

from harness.audit.verdict import Verdict
from harness.records.audited import audited_record
from tests.records.some_records import some_cell

RECORD = some_cell(job_sha256="a", deviations="declared", same_job=None)
VERDICT = Verdict(
    framework="unsloth",
    method="lora",
    track="parity",
    same_job="yes",
    reasons=(),
    deviations=(),
    findings=(),
    tolerance="",
    job_sha256="a",
    reference_losses=(12.0, 11.0),
    loss_tolerance=1e-5,
)


def test_a_timed_cell_with_the_references_losses_is_the_audited_job() -> None:
    record = audited_record(RECORD, [12.000001, 11.0], VERDICT)
    assert (record.same_job, record.why_not_same_job, record.deviations) == ("yes", "", "")


@pytest.mark.parametrize("losses", [[12.0, 11.1], [12.0, None], [12.0, float("nan")]])
def test_a_timed_cell_with_other_losses_is_not(losses: list[float | None]) -> None:
    record = audited_record(RECORD, losses, VERDICT)
    assert record.same_job == "no"
    assert "step 2" in str(record.why_not_same_job)


def test_the_loss_of_the_first_step_is_held_more_narrowly_where_later_ones_are_drawn_at_random() -> None:
    wide = dataclasses.replace(VERDICT, loss_tolerance=0.1, first_loss_tolerance=1e-5)
    assert audited_record(RECORD, [12.0, 11.5], wide).same_job == "yes"
    assert "step 1" in str(audited_record(RECORD, [12.1, 11.0], wide).why_not_same_job)


def test_an_audit_of_another_job_does_not_count() -> None:
    record = audited_record(RECORD.model_copy(update={"job_sha256": "b"}), [12.0, 11.0], VERDICT)
    assert (record.same_job, record.why_not_same_job) == ("no", "another job was audited")


def test_what_the_audit_found_holds_for_every_cell() -> None:
    verdict = dataclasses.replace(VERDICT, same_job="no", reasons=("lora_rank: asked 16, got 8",))
    record = audited_record(RECORD, [12.0, 11.0], verdict)
    assert (record.same_job, record.why_not_same_job) == ("no", "lora_rank: asked 16, got 8")


def test_without_an_audit_the_declared_deviations_stand() -> None:
    record = audited_record(RECORD, [12.0, 11.0], None)
    assert (record.same_job, record.deviations) == ("not audited", "declared")


def test_a_cell_without_figures_is_not_judged_by_its_losses() -> None:
    assert audited_record(RECORD.model_copy(update={"outcome": "oom"}), [], VERDICT).same_job == "yes"
