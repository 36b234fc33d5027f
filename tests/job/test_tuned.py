"""The tuned track: each framework's own advice, laid over the very same job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness as package
from adapters.base import deep_merge
from harness.environment.environment import Environment
from harness.errors import RecipeError
from harness.job.experiment import Experiment
from harness.job.frameworks import CEILING, FRAMEWORKS, TRAINERS
from harness.job.job import METHODS
from harness.job.plan import entries, plan
from harness.job.recipe import Choices, resolve
from harness.job.tuned import tunings_of, untuned
from tests.conftest import SMALL, harness

OPTIONS = st.dictionaries(
    st.text(max_size=3),
    st.recursive(st.none() | st.integers(), lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_size=4,
)


def tuned(**choices: Any) -> Experiment:
    profile = choices.setdefault("profile", "cpu")
    return resolve(Choices(track="all", ceiling=True, **choices), gpu_present=profile == "gpu")


@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_everyone_tunes_the_same_job(profile: str) -> None:
    experiment = tuned(profile=profile, methods="all")
    assert tuple(experiment.tunings) == TRAINERS
    for method, job in experiment.jobs.items():
        for tunings in experiment.tunings.values():
            assert tunings[method].job.tokens_per_step == job.tokens_per_step
            assert untuned(tunings[method].job) == untuned(job)


def test_each_has_advice_on_a_gpu_for_each_method() -> None:
    experiment = tuned(profile="gpu", methods="all")
    assert all(experiment.tunings[name][method].advice for name in FRAMEWORKS for method in METHODS)
    assert experiment.tunings["torchtune"]["lora"].job.compile
    assert experiment.tunings["unsloth"]["lora"].native["lora"] == {"use_gradient_checkpointing": "unsloth"}
    assert "lora" not in experiment.tunings["unsloth"]["full"].native
    assert "lora_mlp_kernel" not in experiment.tunings["axolotl"]["full"].native


def test_what_needs_a_gpu_is_not_asked_of_a_cpu() -> None:
    experiment = tuned()
    assert not any(tunings["lora"].job.compile for tunings in experiment.tunings.values())
    assert "plugins" not in experiment.tunings["axolotl"]["lora"].native


def test_both_tracks_are_planned_and_survive_json() -> None:
    experiment = tuned(repeats=2, aa=True)
    assert Experiment.from_dict(json.loads(json.dumps(experiment.as_dict()))) == experiment
    cells = plan(experiment)
    assert len({cell.name for cell in cells}) == len(cells) == 2 * (5 + 1 + 6)
    assert {cell.track for cell in cells if cell.twin} == {"parity"}
    assert {entry.framework for entry in entries(experiment) if entry.track == "tuned"} == {*FRAMEWORKS, CEILING}


@given(options=OPTIONS, native=OPTIONS)
def test_what_is_laid_over_wins_and_nothing_else_changes(options: dict[str, Any], native: dict[str, Any]) -> None:
    merged = deep_merge(options, native)
    assert merged.keys() == options.keys() | native.keys()
    assert deep_merge(merged, native) == merged
    assert {key: merged[key] for key in options.keys() - native.keys()} == {
        key: options[key] for key in options.keys() - native.keys()
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("settings: [{what: x, source: y, job: {learning_rate: 1}}]", ["settings.0.job.learning_rate", "not a key"]),
        ("settings: [{what: x, source: y, job: {compil: true}}]", ["did you mean compile?"]),
        ("settings: [{what: x, source: y}]", ["sets nothing"]),
        ("settings: [{what: x, native: {a: 1}}]", ["settings.0.source", "is missing"]),
        ("settings: [{what: x, source: y, job: {gradient_accumulation_steps: 3}}]", ["must divide the 4 blocks"]),
        ("settings: [{what: x, source: y, devices: [tpu], native: {a: 1}}]", ["settings.0.devices.0", "'tpu'"]),
        ("settings: 3", ["settings", "list"]),
        ("[", ["is not YAML"]),
    ],
)
def test_a_mistake_in_the_settings_is_named(tmp_path: Path, content: str, words: list[str]) -> None:
    (tmp_path / "unsloth.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(RecipeError) as refused:
        tunings_of(["unsloth"], tuned().jobs, "cpu", tmp_path)
    assert all(word in str(refused.value) for word in ["unsloth.yaml", *words]), refused.value


def test_a_framework_without_settings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"unsloth.yaml: no such file"):
        tunings_of(["unsloth"], tuned().jobs, "cpu", tmp_path)


@pytest.mark.parametrize(
    ("choices", "words"),
    [(Choices(track="tunde"), "did you mean tuned?"), (Choices(ceiling=True), "row of the tuned track")],
)
def test_a_track_that_is_none_is_refused(choices: Choices, words: str) -> None:
    with pytest.raises(RecipeError, match=words.replace("?", r"\?")):
        resolve(choices, gpu_present=False)


def test_show_prints_the_tuned_config(environments: dict[str, Environment], tmp_path: Path) -> None:
    done = harness("show", "--framework", "torchtune", "--track", "tuned", "--profile", "cpu", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "num_output_chunks: 8" in done.stdout
    assert "batch_size: 4" in done.stdout


@pytest.mark.slow
def test_all_five_and_the_ceiling_train_tuned_and_are_audited(
    environments: dict[str, Environment], tmp_path: Path
) -> None:
    settings = [word for setting in SMALL for word in ("--set", setting)]
    options = ["--profile", "cpu", "--methods", "all", "--track", "tuned", "--ceiling", "--repeats", "1"]
    done = harness("run", *options, *settings, "--output", "results/tuned", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    frame = package.load_results(tmp_path / "results" / "tuned")
    assert set(frame.track) == {"tuned"}
    assert set(zip(frame.framework, frame.method, strict=True)) == {(f, m) for f in TRAINERS for m in METHODS}
    assert set(frame.same_job) == {"yes", "with deviations"}
    for _, jobs in frame.groupby("method"):
        assert jobs.compared_sha256.nunique() == 1
        assert jobs.job_sha256.nunique() > 1
    report = (tmp_path / "reports" / "tuned.md").read_text(encoding="utf-8")
    for words in ("### LoRA, tuned", "## What was tuned", "cross entropy in eight chunks", "of the ceiling"):
        assert words in report, words
    assert "ceiling trains fastest" not in report
