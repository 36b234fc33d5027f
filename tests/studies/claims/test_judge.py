from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.studies.claims.evidence import Evidence, LongestContext
from harness.studies.claims.gather import Recorded
from harness.studies.claims.judge import Judgement
from harness.studies.claims.judge import judge as judge_recorded
from harness.studies.claims.registry import Claim, read_claims
from tests.studies.claims.some_evidence import GPU_JOB, claim, context, row, tuned_row


def judge(one: Claim, rows: Sequence[Evidence], contexts: Sequence[LongestContext]) -> Judgement:
    return judge_recorded(one, Recorded(rows=tuple(rows), contexts=tuple(contexts)))


STEADY = (100.0, 101.0, 99.0, 100.5, 99.5)


def times(factor: float) -> tuple[float, ...]:
    return tuple(rate * factor for rate in reversed(STEADY))


def rows(factor: float, **changed: Any) -> list[Evidence]:
    return [row("transformers", STEADY, **changed), row("unsloth", times(factor), **changed)]


@pytest.mark.parametrize(
    ("factor", "verdict"), [(3.0, "confirmed"), (1.2, "refuted"), (7.0, "refuted"), (2.0, "inconclusive")]
)
def test_a_verdict_follows_from_where_the_interval_lies(factor: float, verdict: str) -> None:
    assert judge(claim(), rows(factor), ()).verdict == verdict


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "device": ({"device": "cuda"}, {"device": "cpu", "machine": "AMD EPYC"}),
    "gpu": ({"gpu": "RTX 4090"}, {}),
    "gpus": ({"gpus": 4}, {}),
    "memory": ({"memory_gb": 80}, {}),
    "model": ({"model": "meta-llama/Llama-2-7b"}, {}),
    "method": ({"method": "qlora"}, {"job": dataclasses.replace(GPU_JOB, method="lora")}),
    "track": ({"track": "tuned"}, {}),
    "precision": ({"precision": "fp32"}, {}),
    "batch": ({"micro_batch_size": 3}, {}),
    "accumulation": ({"gradient_accumulation_steps": 3}, {}),
    "length": ({"sequence_length": 4096}, {}),
    "rank": ({"lora_rank": 32}, {}),
    "layers": ({"target_modules": ["q_proj"]}, {}),
    "checkpointing": ({"gradient_checkpointing": True}, {}),
    "compile": ({"compile": True}, {}),
    "attention": ({"attention": "flash_attention_2"}, {}),
    "versions": ({"versions": {"transformers": "4.36"}}, {}),
    "others": ({"others": ["packed samples"]}, {}),
}


@given(
    factor=st.floats(0.1, 20),
    different=st.sets(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=3),
    metric=st.sampled_from(
        ["times_faster", "percent_less_memory", "tokens_per_second", "peak_memory_gib", "same_loss"]
    ),
)
def test_no_claim_is_confirmed_or_refuted_where_a_condition_differs(
    factor: float, different: set[str], metric: str
) -> None:
    conditions: dict[str, Any] = {}
    changed: dict[str, Any] = {}
    for name in different:
        conditions |= CHANGES[name][0]
        changed |= CHANGES[name][1]
    part = {"metric": metric} if metric == "same_loss" else {"metric": metric, "at_least": 2}
    judgement = judge(claim(parts=[part], conditions=conditions), rows(factor, **changed), ())
    assert judgement.verdict == "not comparable"
    assert all(len(finding.mismatches) >= 1 for finding in judgement.findings)


@pytest.mark.parametrize("same_job", ["no", "not audited"])
@given(factor=st.floats(0.1, 20))
def test_cells_that_are_not_shown_to_be_the_same_job_settle_nothing(same_job: str, factor: float) -> None:
    assert judge(claim(), rows(factor, same_job=same_job), ()).verdict == "not comparable"


def test_every_mismatch_is_named_with_both_values() -> None:
    conditions = {"gpu": "RTX 4090", "sequence_length": 4096, "versions": {"transformers": "4.36"}}
    (finding,) = judge(claim(conditions=conditions), rows(3), ()).findings
    assert finding.mismatches == (
        "GPU: NVIDIA H200, not RTX 4090",
        "sequence_length: 2048, not 4096",
        "transformers: 5.17.0, not 4.36",
    )


def test_conditions_that_are_met_are_no_mismatch() -> None:
    conditions = {
        "device": "cuda",
        "gpu": "H200",
        "gpus": 1,
        "memory_gb": 150,
        "model": "Qwen/Qwen3-0.6B",
        "method": "qlora",
        "sequence_length": 2048,
        "versions": {"transformers": "5.17"},
    }
    assert judge(claim(conditions=conditions), rows(3), ()).verdict == "confirmed"


def test_one_process_a_side_is_never_enough() -> None:
    alone = [row("transformers", (100.0,)), row("unsloth", (300.0,))]
    (finding,) = judge(claim(), alone, ()).findings
    assert finding.verdict == "inconclusive"


def test_what_holds_in_one_section_and_not_in_another_is_partly_so() -> None:
    lora = dataclasses.replace(GPU_JOB, method="lora")
    assert judge(claim(), [*rows(3), *rows(1.1, job=lora)], ()).verdict == "partly"


def test_a_claim_of_two_figures_is_refuted_by_one_and_confirmed_by_both() -> None:
    both = claim(parts=[{"metric": "times_faster", "at_least": 2}, {"metric": "peak_memory_gib", "at_most": 4}])
    assert judge(both, rows(3), ()).verdict == "confirmed"
    assert judge(both, rows(1.5), ()).verdict == "partly"
    slow_and_large = claim(
        parts=[{"metric": "times_faster", "at_least": 2}, {"metric": "peak_memory_gib", "at_most": 1}]
    )
    assert judge(slow_and_large, rows(1.5), ()).verdict == "refuted"


def test_two_processes_confirm_and_refute_nothing() -> None:
    for factor in (3, 1.1):
        two = [row("transformers", STEADY[:2]), row("unsloth", times(factor)[:2])]
        judgement = judge(claim(), two, ())
        assert judgement.verdict == "inconclusive"
        assert judgement.findings[0].repeats_to_settle == 3


def test_what_one_machine_confirms_is_no_answer_for_another() -> None:
    elsewhere = rows(3, machine="AMD EPYC", device="cpu", run="other")
    judgement = judge(claim(conditions={"device": "cuda"}), [*rows(1.2), *elsewhere], ())
    assert judgement.verdict == "refuted"
    assert [finding.verdict for finding in judgement.findings] == ["refuted", "not comparable"]


def test_rows_of_two_runs_are_never_in_one_ratio() -> None:
    apart = [row("transformers", STEADY), row("unsloth", times(3), run="other")]
    judgement = judge(claim(), apart, ())
    assert judgement.verdict == "not measured"
    assert "side by side" in judgement.unjudged[0][1]


def test_a_search_confirms_no_more_than_what_trained_and_refutes_only_what_did_not() -> None:
    def verdict(tokens: int, too_long: int | None) -> str:
        found = [context("unsloth", tokens, too_long, memory_bytes=80 * 10**9)]
        conditions = {"memory_gb": 80, "sequence_length": 4096}
        said = claim(parts=[{"metric": "context_tokens", "at_least": 342_000}], conditions=conditions)
        return judge(said, (), found).verdict

    assert verdict(342_016, 350_000) == "confirmed"
    assert verdict(340_000, 341_000) == "refuted"
    assert verdict(340_000, 345_000) == "inconclusive"
    assert verdict(340_000, None) == "inconclusive"
    assert verdict(400_000, None) == "confirmed"


def test_contexts_are_compared_within_one_budget_alone() -> None:
    said = claim(parts=[{"metric": "times_longer_context", "at_least": 10}])
    ours = context("unsloth", 120_000, 121_000)
    assert judge(said, (), [ours, context("transformers", 10_000, 10_100)]).verdict == "confirmed"
    assert (
        judge(said, (), [ours, context("transformers", 10_000, 10_100, memory_bytes=10**9)]).verdict == "not measured"
    )


def test_a_loss_that_the_audit_saw_to_differ_refutes_that_it_is_the_same() -> None:
    said = claim(parts=[{"metric": "same_loss"}])
    assert judge(said, [row("unsloth", STEADY)], ()).verdict == "confirmed"
    worse = dataclasses.replace(row("unsloth", STEADY), same_loss=False)
    assert judge(said, [worse], ()).verdict == "refuted"
    assert judge(said, [dataclasses.replace(worse, same_loss=None)], ()).verdict == "not measured"


def test_a_claim_on_one_framework_with_and_without_something_is_held_against_both_sides_in_one_run() -> None:
    native = {"training_arguments": {"use_liger_kernel": True}}
    said = claim(setting={"what": "kernels", "native": native}, subject="transformers", baseline=None)
    without = row("transformers", STEADY)
    having = tuned_row("transformers", times(3), native=native)
    assert judge(said, [without, having], ()).verdict == "confirmed"
    assert judge(said, [without, tuned_row("transformers", times(1.1), native=native)], ()).verdict == "refuted"
    more = tuned_row("transformers", times(3), native=native, gradient_checkpointing=True)
    elsewhere = tuned_row("transformers", times(3), native=native, run="other")
    other_framework = tuned_row("unsloth", times(3), native=native)
    for no_such in (more, elsewhere, other_framework, tuned_row("transformers", times(3), native={})):
        assert judge(said, [without, no_such], ()).verdict == "not measured"


def test_a_switched_knob_is_no_condition_of_the_side_that_lacks_it() -> None:
    conditions = {"device": "cuda", "compile": True}
    said = claim(setting={"what": "compile", "job": {"compile": True}}, baseline=None, conditions=conditions)
    sides = [row("unsloth", STEADY), tuned_row("unsloth", times(3), compile=True)]
    assert judge(said, sides, ()).verdict == "confirmed"
    on_a_cpu = [row("unsloth", STEADY, device="cpu"), tuned_row("unsloth", times(3), compile=True, device="cpu")]
    assert judge(said, on_a_cpu, ()).verdict == "not comparable"


def test_a_method_in_place_of_another_is_judged_within_the_parity_track() -> None:
    said = claim(
        parts=[{"metric": "percent_less_memory", "at_least": 40}],
        setting={"what": "QLoRA in place of LoRA", "instead_of": "lora"},
        baseline=None,
    )
    lora = row("unsloth", times(2), job=dataclasses.replace(GPU_JOB, method="lora"))
    assert judge(said, [row("unsloth", STEADY), lora], ()).verdict == "confirmed"
    longer = row("unsloth", times(2), job=dataclasses.replace(GPU_JOB, method="lora", sequence_length=4096))
    assert judge(said, [row("unsloth", STEADY), longer], ()).verdict == "not measured"


def test_a_setting_that_is_told_in_words_alone_is_not_measured() -> None:
    assert judge(claim(setting={"what": "its kernels"}), rows(3), ()).verdict == "not measured"


def test_no_claim_of_the_registry_is_settled_by_a_cpu_that_was_made_for_a_gpu() -> None:
    on_a_cpu: dict[str, Any] = {"machine": "AMD EPYC", "device": "cpu", "memory_bytes": 80 * 10**9}
    everyone = ["transformers", "unsloth", "axolotl", "torchtune", "llamafactory"]
    seen = [row(name, times(index + 1), **on_a_cpu) for index, name in enumerate(everyone)]
    longest = [context(name, 500_000, None, **on_a_cpu) for name in everyone]
    for published in read_claims():
        verdict = judge(published, seen, longest).verdict
        if published.conditions.device == "cuda":
            assert verdict in ("not comparable", "not measured"), published.id
