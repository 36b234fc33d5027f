from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from harness.errors import RecipeError
from harness.job.experiment import Experiment
from harness.job.frameworks import FRAMEWORKS
from harness.job.recipe import DEFAULT_RECIPE, Choices, resolve
from harness.prepare.weights import qwen3_config


def cpu(**choices: object) -> Experiment:
    return resolve(Choices(profile="cpu", **choices), gpu_present=False)  # type: ignore[arg-type]


def refusal(**choices: object) -> str:
    with pytest.raises(RecipeError) as caught:
        resolve(Choices(**choices), gpu_present=False)  # type: ignore[arg-type]
    return str(caught.value)


def test_the_profile_follows_what_the_machine_has() -> None:
    assert resolve(Choices(), gpu_present=False).profile == "cpu"
    assert resolve(Choices(), gpu_present=True).profile == "gpu"


def test_the_gpu_profile_is_the_published_job() -> None:
    experiment = resolve(Choices(), gpu_present=True)
    job = experiment.jobs["qlora"]
    assert tuple(experiment.jobs) == ("lora", "qlora", "full")
    assert (job.model, job.dataset, job.dataset_config) == (
        "Qwen/Qwen3-0.6B",
        "HuggingFaceFW/fineweb-edu",
        "sample-10BT",
    )
    assert (job.sequence_length, job.precision, job.lora_rank, job.lora_alpha) == (2048, "bf16", 16, 16)
    assert job.model_revision is not None
    assert job.dataset_revision is not None


def test_the_cpu_profile_keeps_the_real_vocabulary() -> None:
    experiment = cpu()
    assert experiment.frameworks == FRAMEWORKS
    assert experiment.repeats == 5
    assert tuple(experiment.jobs) == ("lora",)
    assert experiment.jobs["lora"].shape.vocab_size == 151_936


def test_every_value_can_be_set() -> None:
    job = cpu(settings=("sequence_length=512", "shape.num_hidden_layers=2", "learning_rate=1e-3")).jobs["lora"]
    assert (job.sequence_length, job.shape.num_hidden_layers, job.learning_rate) == (512, 2, 1e-3)


def test_an_experiment_survives_json() -> None:
    experiment = cpu(methods="all")
    assert Experiment.from_dict(json.loads(json.dumps(experiment.as_dict()))) == experiment


def test_a_local_model_brings_its_own_shape(tmp_path: Path) -> None:
    shape = cpu(settings=("shape.num_hidden_layers=3",)).jobs["lora"].shape
    (tmp_path / "config.json").write_text(json.dumps(qwen3_config(shape, "fp32")), encoding="utf-8")
    job = cpu(settings=(f"model={tmp_path}",)).jobs["lora"]
    assert job.shape.num_hidden_layers == 3
    assert job.model_revision is None


def test_a_dataset_of_ones_own_has_no_hub_revision() -> None:
    job = cpu(dataset=DEFAULT_RECIPE).jobs["lora"]
    assert (job.dataset, job.dataset_config, job.dataset_revision) == (str(DEFAULT_RECIPE), None, None)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"settings": ("sequence_lenght=512",)}, ["sequence_lenght", "did you mean sequence_length?"]),
        ({"settings": ("shape.hiden_size=512",)}, ["shape.hiden_size", "did you mean shape.hidden_size?"]),
        ({"settings": ("sequence_length",)}, ["key=value"]),
        ({"settings": ("sequence_length=long",)}, ["sequence_length", "'long'", "a whole number, like 512"]),
        ({"settings": ("sequence_length=1",)}, ["command line", "sequence_length", "at least 2"]),
        ({"settings": ("micro_batch_size=true",)}, ["micro_batch_size", "'true' must be a whole number"]),
        ({"settings": ("method=full",)}, ["--methods"]),
        ({"settings": ("precision=fp8",)}, ["precision", "'fp8' must be fp32 or bf16"]),
        ({"frameworks": "unslot"}, ["'unslot'", "did you mean unsloth?"]),
        ({"frameworks": ","}, ["names none"]),
        ({"methods": "lora,dora"}, ["'dora'", "lora"]),
        ({"profile": "gpux"}, ["'gpux'", "did you mean gpu?"]),
        ({"repeats": 0}, ["--repeats", "above 0"]),
        ({"seed": 2**32}, ["seed", "below 2**32"]),
        ({"dataset": Path("data/missing.txt")}, ["--dataset", "data/missing.txt", "no such file"]),
        ({"recipe": Path("no-such.yaml")}, ["no-such.yaml", "no such recipe", "qwen3-0.6b-fineweb-edu"]),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(choices: dict[str, object], words: list[str]) -> None:
    message = refusal(**choices)
    assert all(word in message for word in words), message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("- a list", ["must be a mapping"]),
        ("name: [unclosed", ["is not YAML"]),
        ("name: x", ["profiles", "is missing"]),
        ("name: x\nprofile: {}\nprofiles: {}", ["profile"]),
        ("name: x\nprofiles:\n  a: {device: tpu, methods: [lora], repeats: 1}", ["profiles.a.device", "'tpu'"]),
    ],
)
def test_a_recipe_that_is_no_recipe_is_refused(tmp_path: Path, content: str, words: list[str]) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(content, encoding="utf-8")
    message = refusal(recipe=path)
    assert "broken.yaml" in message
    assert all(word in message for word in words), message


def test_an_unknown_key_in_a_recipe_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    recipe = yaml.safe_load(DEFAULT_RECIPE.read_text(encoding="utf-8"))
    recipe["job"]["learning_rat"] = 1
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    assert "did you mean learning_rate?" in refusal(recipe=path)


def test_a_missing_knob_is_refused_by_its_name(tmp_path: Path) -> None:
    recipe = yaml.safe_load(DEFAULT_RECIPE.read_text(encoding="utf-8"))
    del recipe["job"]["seed"]
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    assert "seed: is missing" in refusal(recipe=path)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        (Choices(until="abc"), "must be a share"),
        (Choices(until="200%"), "below 100%"),
        (Choices(max_repeats=3), "only with --until"),
        (Choices(aa=True, frameworks="torchtune"), "needs transformers"),
        (Choices(until="2%", frameworks="torchtune"), "needs transformers"),
        (Choices(until="2%", max_repeats=0), "must be a number above 0"),
    ],
)
def test_options_of_repeats_that_say_nothing_are_refused(choices: Choices, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        resolve(choices, gpu_present=False)


def test_an_experiment_recorded_before_there_was_an_adaptive_run_is_still_read() -> None:
    experiment = resolve(Choices(), gpu_present=False)
    recorded = {key: value for key, value in experiment.as_dict().items() if key not in {"aa", "until", "max_repeats"}}
    assert Experiment.from_dict(recorded) == experiment


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("seed=010", 10),
        ("seed=+7", 7),
        ("learning_rate=2e-4", 2e-4),
        ("learning_rate=.5", 0.5),
        ("model=foo #bar", "foo #bar"),
        ("model=2025", "2025"),
        ("model=yes", "yes"),
        ("dataset={a: b}", "{a: b}"),
        ("model_revision=null", None),
        ("model_revision=1e5", "1e5"),
        ("dataset_config=", None),
        ("gradient_checkpointing=on", True),
        ("compile=false", False),
        ("target_modules=[q_proj, 'v_proj']", ("q_proj", "v_proj")),
        ("target_modules=v_proj,q_proj", ("q_proj", "v_proj")),
        ("max_grad_norm=-0.0", 0.0),
    ],
)
def test_a_setting_is_read_by_the_type_of_its_field(setting: str, value: object) -> None:
    found = getattr(cpu(settings=(setting,)).jobs["lora"], setting.partition("=")[0])
    assert found == value
    assert repr(found) == repr(value)


@pytest.mark.parametrize(
    "setting",
    [
        "sequence_length=1:04",
        "sequence_length=0x40",
        "sequence_length=6_4",
        "sequence_length=64.0",
        "sequence_length=1e2",
        "sequence_length=",
        "sequence_length=yes",
        "sequence_length=" + "9" * 5000,
        "learning_rate=nan",
        "learning_rate=inf",
        "learning_rate=1_0.5",
        "learning_rate=true",
        "compile=1",
        "compile=maybe",
        "attention=None",
        "target_modules=[]",
    ],
)
def test_a_setting_that_only_another_language_understands_is_refused(setting: str) -> None:
    message = refusal(profile="cpu", settings=(setting,))
    assert setting.partition("=")[0] in message
    assert "must be" in message


def test_a_setting_is_given_once() -> None:
    assert "--set seed: is given twice" in refusal(settings=("seed=1", "seed=2"))


def test_zeros_and_the_order_of_layers_make_no_other_job() -> None:
    plain = cpu(settings=("max_grad_norm=0.0", "target_modules=q_proj,v_proj")).jobs["lora"]
    other = cpu(settings=("max_grad_norm=-0.0", "target_modules=v_proj,q_proj")).jobs["lora"]
    assert plain.sha256 == other.sha256
