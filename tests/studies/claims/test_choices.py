from __future__ import annotations

import dataclasses

import pytest

from harness.errors import RecipeError
from harness.job.recipe import resolve
from harness.studies.claims.choices import choices_for, command_for
from harness.studies.claims.named_models import model_of
from harness.studies.claims.registry import Claim, read_claims

TAKEN = (
    "python -m harness run --claim ",
    "python -m harness probe ",
    "python -m harness run --frameworks all ",
    "python -m harness deploy --frameworks ",
)
CLAIMS = {claim.id: claim for claim in read_claims()}


@pytest.mark.parametrize(
    ("name", "frameworks", "methods", "track", "settings"),
    [
        ("R1.1", "transformers,unsloth", None, "parity", ()),
        ("R1.6", "unsloth,torchtune", None, "tuned", ()),
        ("R1.7", "transformers,unsloth", None, "parity", ("attention=flash_attention_2",)),
        ("R2.1", "unsloth,axolotl,torchtune", None, "parity", ()),
        ("R7", "unsloth", "qlora", "parity", ()),
    ],
)
def test_a_claim_needs_exactly_its_two_sides_its_methods_and_its_knobs(
    name: str, frameworks: str, methods: str | None, track: str, settings: tuple[str, ...]
) -> None:
    choices = choices_for(CLAIMS[name])
    assert (choices.frameworks, choices.methods, choices.track) == (frameworks, methods, track)
    assert choices.settings == settings
    assert resolve(choices, gpu_present=True).frameworks == tuple(frameworks.split(","))


def test_a_claim_on_one_framework_needs_it_with_and_without_what_is_claimed() -> None:
    choices = choices_for(CLAIMS["A2"])
    experiment = resolve(choices, gpu_present=True)
    assert (experiment.frameworks, experiment.tracks) == (("axolotl",), ("parity", "tuned"))
    (job,), tuning = experiment.jobs.values(), experiment.tunings["axolotl"]["lora"]
    assert not job.compile
    assert tuning.job == dataclasses.replace(job, compile=True)
    assert (model_of(job), job.lora_rank, tuning.native) == ("Qwen/Qwen3-8B", 16, {})
    assert "claim A2" in tuning.advice[0]


def test_knobs_and_methods_of_a_claim_become_those_of_the_run() -> None:
    claim = Claim.model_validate(
        {
            "id": "Z1",
            "statement": "So fast.",
            "subject": "axolotl",
            "baseline": "transformers",
            "parts": [
                {"metric": "times_faster", "at_least": 2, "conditions": {"method": "lora"}},
                {"metric": "times_faster", "at_least": 1, "conditions": {"method": "full"}},
            ],
            "conditions": {
                "lora_rank": 8,
                "compile": True,
                "micro_batch_size": 1,
                "target_modules": ["q_proj", "v_proj"],
            },
            "source": {"where": "here", "date": "now"},
        }
    )
    jobs = resolve(choices_for(claim), gpu_present=True).jobs
    assert list(jobs) == ["lora", "full"]
    job = jobs["lora"]
    assert (job.lora_rank, job.compile, job.micro_batch_size) == (8, True, 1)
    assert job.target_modules == ("q_proj", "v_proj")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("T1", "Llama-3.1-8B"),
        ("X1", "paged in torchtune"),
        ("K1", "several GPUs"),
        ("L1", "Unsloth switched on"),
        ("R1.5", "probe --frameworks unsloth --capabilities fp8,qlora,lora_8bit"),
        ("R5", "try: python -m harness run --frameworks all --profile gpu"),
        ("R8.5", "no figure of a training run"),
        ("R1.3", "probe --max-context --frameworks unsloth --budget 80GB"),
    ],
)
def test_what_no_run_can_measure_is_refused_with_the_reason(name: str, words: str) -> None:
    with pytest.raises(RecipeError) as refused:
        choices_for(CLAIMS[name])
    assert words in str(refused.value)


def test_every_command_that_is_told_is_one_that_this_harness_takes() -> None:
    for claim in CLAIMS.values():
        command = command_for(claim)
        assert command is None or command.startswith(TAKEN)
        if command is not None and " run --claim " in command:
            choices_for(claim)
