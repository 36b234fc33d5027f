"""recipes/*.yaml and the command line's options -> a validated Experiment."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pydantic

from harness.errors import RecipeError
from harness.files.locations import RECIPES
from harness.files.typed_path import existing, existing_folder
from harness.files.yaml_files import Strict, first_problem, nearest, read_yaml
from harness.job.chosen_names import COMMAND_LINE, choose_frameworks, choose_methods, choose_tracks
from harness.job.experiment import MOST_REPEATS, SMALLEST_EFFECT, Enough, Experiment
from harness.job.frameworks import BASELINE, CEILING
from harness.job.job import RANDOM_MODEL, Job, JobError, Method
from harness.job.model_folder import shape_of
from harness.job.set_option import job_fields, value_of
from harness.job.tuned import Setting, tunings_of

DEFAULT_RECIPE = RECIPES / "qwen3-0.6b-fineweb-edu.yaml"
NO_RECIPES = ("rubric.yaml", "registry-facts.yaml", "prices.yaml", "boards.yaml")
"""Files beside the recipes that are no recipes; harness.studies reads them."""
FIRST_ROUNDS = 5
"""Least rounds of an adaptive run: the width of an interval over fewer says little about when to stop."""
JOB_FIELDS = job_fields()


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What the command line says about an experiment; None leaves it to the recipe."""

    recipe: Path | None = None
    profile: str | None = None
    frameworks: str = "all"
    methods: str | None = None
    track: str = "parity"
    """As typed: the name of a track, or "all"."""
    repeats: int | None = None
    seed: int | None = None
    dataset: Path | None = None
    text_column: str | None = None
    settings: tuple[str, ...] = ()
    timeout_seconds: float | None = None
    silence_seconds: float | None = None
    ceiling: bool = False
    aa: bool = False
    until: str | None = None
    """As typed, like "2%"."""
    max_repeats: int | None = None
    smallest_effect: str | None = None
    """As typed, like "2%"."""
    tuned: tuple[Setting, ...] | None = None
    """What the tuned track uses in place of each framework's documented advice."""


class _Profile(Strict):
    device: Literal["cpu", "cuda"]
    methods: list[Method] = pydantic.Field(min_length=1)
    repeats: int = pydantic.Field(ge=1)
    timeout_seconds: float = pydantic.Field(gt=0)
    silence_seconds: float = pydantic.Field(gt=0)
    least_steps: int | None = pydantic.Field(default=None, ge=1)
    """Steps after which a timed cell may end, if they took `least_steady_seconds`; without it, the job's max_steps."""
    least_steady_seconds: float = pydantic.Field(default=0.0, ge=0)
    job: dict[str, Any] = {}


class _RecipeFile(Strict):
    name: str
    job: dict[str, Any] = {}
    profiles: dict[str, _Profile] = pydantic.Field(min_length=1)


_JOB = pydantic.TypeAdapter(Job)


def resolve(choices: Choices, *, gpu_present: bool) -> Experiment:
    """Return the experiment of a recipe with the command line's choices. Raises RecipeError."""
    path = choices.recipe or DEFAULT_RECIPE
    recipe = read_recipe(path)
    profile_name = choices.profile or _default_profile(recipe, gpu_present=gpu_present)
    if profile_name not in recipe.profiles:
        problem = f"{profile_name!r} is not a profile of {path.name}{nearest(profile_name, recipe.profiles)}"
        raise RecipeError(COMMAND_LINE, "--profile", problem)
    profile = recipe.profiles[profile_name]
    values = _merged(path, recipe.job, profile.job)
    settings = _settings_of(choices)
    values = _with_settings(values, settings)
    methods = choose_methods(choices.methods) if choices.methods else tuple(profile.methods)
    jobs = {method: _job({**values, "method": method}, path, settings) for method in methods}
    until = _share("--until", choices.until)
    repeats = _positive("--repeats", choices.repeats, profile.repeats)
    if until is not None and choices.repeats is None:
        repeats = max(repeats, FIRST_ROUNDS)
    frameworks = choose_frameworks(choices.frameworks)
    tracks = choose_tracks(choices.track)
    if choices.ceiling and "tuned" not in tracks:
        raise RecipeError(COMMAND_LINE, "--ceiling", "is a row of the tuned track; add --track all or --track tuned")
    tuned = (*frameworks, CEILING) if choices.ceiling else frameworks
    if BASELINE not in frameworks and (choices.aa or until is not None):
        option = "--aa" if choices.aa else "--until"
        raise RecipeError(COMMAND_LINE, option, f"needs {BASELINE}, which every ratio is to, among --frameworks")
    if choices.max_repeats is not None and until is None:
        raise RecipeError(COMMAND_LINE, "--max-repeats", "says something only with --until")
    return Experiment(
        recipe=recipe.name,
        profile=profile_name,
        device=profile.device,
        frameworks=frameworks,
        jobs=jobs,
        repeats=repeats,
        seed=next(iter(jobs.values())).seed,
        timeout_seconds=_positive("--timeout", choices.timeout_seconds, profile.timeout_seconds),
        silence_seconds=_positive("--silence", choices.silence_seconds, profile.silence_seconds),
        tracks=tracks,
        tunings=tunings_of(tuned, jobs, profile.device, given=choices.tuned) if "tuned" in tracks else {},
        aa=choices.aa,
        until=until,
        max_repeats=_positive("--max-repeats", choices.max_repeats, MOST_REPEATS) if until is not None else None,
        smallest_effect=_share("--smallest-effect", choices.smallest_effect) or SMALLEST_EFFECT,
        enough=_enough(path, profile, jobs.values()),
    )


def changed(experiment: Experiment, choices: Choices) -> Experiment:
    """Return the parity track of a recorded experiment with the command line's choices. Raises RecipeError."""
    settings = _settings_of(choices)
    values = next(iter(experiment.jobs.values())).as_dict()
    shape = values.pop("shape")
    values = _with_settings({**values, **{f"shape.{name}": size for name, size in shape.items()}}, settings)
    methods = choose_methods(choices.methods) if choices.methods else tuple(experiment.jobs)
    jobs = {method: _job({**values, "method": method}, Path("run.json"), settings) for method in methods}
    frameworks = choose_frameworks(choices.frameworks)
    return dataclasses.replace(
        experiment, frameworks=frameworks, jobs=jobs, tracks=("parity",), tunings={}, enough=None, until=None
    )


def _settings_of(choices: Choices) -> dict[str, Any]:
    """Return the job's values on the command line: from --set and from options for one value."""
    settings = _settings(choices.settings)
    if choices.seed is not None:
        settings["seed"] = choices.seed
    if choices.dataset is not None:
        if existing(choices.dataset) is None:
            raise RecipeError(COMMAND_LINE, "--dataset", f"{choices.dataset}: no such file or folder")
        settings |= {"dataset": str(choices.dataset), "dataset_config": None, "dataset_revision": None}
    if choices.text_column is not None:
        settings["text_column"] = choices.text_column
    return settings


def _enough(path: Path, profile: _Profile, jobs: Iterable[Job]) -> Enough | None:
    """Return the rule for early ends; None without one, or if the command line asks for fewer steps than its least."""
    if profile.least_steps is None:
        return None
    if any(profile.least_steps <= job.warmup_steps for job in jobs):
        raise RecipeError(path, "least_steps", f"{profile.least_steps} must be above the job's warmup_steps")
    if any(profile.least_steps > job.max_steps for job in jobs):
        return None
    return Enough(least_steps=profile.least_steps, least_steady_seconds=profile.least_steady_seconds)


def recipe_files() -> list[Path]:
    """Return the recipes that come with the harness, by name."""
    return [path for path in sorted(RECIPES.glob("*.yaml")) if path.name not in NO_RECIPES]


def read_recipe(path: Path) -> _RecipeFile:
    """Return a recipe file, checked against its schema. Its jobs are checked when they are resolved."""
    try:
        return read_yaml(path, _RecipeFile, what="a recipe", sections=[_Profile])
    except FileNotFoundError as error:
        known = ", ".join(sorted(recipe.stem for recipe in recipe_files()))
        raise RecipeError(path, None, f"no such recipe; recipes/ has {known}") from error


def _default_profile(recipe: _RecipeFile, *, gpu_present: bool) -> str:
    device = "cuda" if gpu_present else "cpu"
    fitting = [name for name, profile in recipe.profiles.items() if profile.device == device]
    return fitting[0] if fitting else next(iter(recipe.profiles))


def _merged(path: Path, shared: Mapping[str, Any], method_section: Mapping[str, Any]) -> dict[str, Any]:
    """Return two `job` sections as one flat mapping with keys like "shape.hidden_size"."""
    flat: dict[str, Any] = {}
    for section in (shared, method_section):
        for key, value in section.items():
            if key == "shape":
                if not isinstance(value, dict):
                    raise RecipeError(path, "shape", "must be a mapping of the model's dimensions")
                flat |= {f"shape.{name}": size for name, size in value.items()}
            else:
                flat[str(key)] = value
    for key in flat:
        _check_known(path, key)
    return flat


def _settings(texts: Iterable[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals:
            raise RecipeError(COMMAND_LINE, f"--set {text}", "must look like key=value, as in sequence_length=512")
        _check_known(COMMAND_LINE, key)
        if key in settings:
            raise RecipeError(COMMAND_LINE, f"--set {key}", "is given twice")
        try:
            settings[key] = value_of(value, JOB_FIELDS[key])
        except ValueError as error:
            raise RecipeError(COMMAND_LINE, f"--set {key}", f"{value!r} {error}") from error
    return settings


def _with_settings(values: dict[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with settings on top. A local model brings its shape, and only a hub's model has a revision."""
    merged = dict(values)
    model = settings.get("model", merged.get("model"))
    if isinstance(model, str) and (folder := existing_folder(model)) is not None:
        shape = dataclasses.asdict(shape_of(folder))
        merged |= {f"shape.{name}": size for name, size in shape.items()}
    if "model" in settings and (settings["model"] == RANDOM_MODEL or settings["model"] != values.get("model")):
        merged["model_revision"] = None
    if "dataset" in settings and settings["dataset"] != values.get("dataset"):
        merged |= {"dataset_config": None, "dataset_revision": None}
    return merged | dict(settings)


def _check_known(source: Path | str, key: str) -> None:
    if key == "method":
        raise RecipeError(source, key, "is chosen by `methods` of a profile, or --methods on the command line")
    if key not in JOB_FIELDS:
        raise RecipeError(source, key, f"is not a key of a job{nearest(key, JOB_FIELDS)}")


def _job(values: Mapping[str, Any], path: Path, settings: Mapping[str, Any]) -> Job:
    nested = {key: value for key, value in values.items() if not key.startswith("shape.")}
    nested["shape"] = {key.removeprefix("shape."): v for key, v in values.items() if key.startswith("shape.")}

    def source(key: str) -> Path | str:
        return COMMAND_LINE if key in settings else path

    for key, value in values.items():
        # pydantic would accept true as 1.
        if isinstance(value, bool) and JOB_FIELDS.get(key) not in (bool, None):
            raise RecipeError(source(key), key, f"{str(value).lower()} is neither a number nor text")
    try:
        return _JOB.validate_python(nested)
    except pydantic.ValidationError as error:
        cause = error.errors()[0].get("ctx", {}).get("error")
        if isinstance(cause, JobError):
            raise RecipeError(source(cause.key), cause.key, f"{cause.value!r} {cause.allowed}") from error
        key, problem = first_problem(error)
        raise RecipeError(source(key), key, problem) from error


def _share(option: str, text: str | None) -> float | None:
    return None if text is None else share_of(option, text)


def share_of(option: str, text: str) -> float:
    """Return a share like "2%" or "0.02", between 0 and 1. Raises RecipeError."""
    try:
        value = float(text.strip().removesuffix("%")) / (100 if text.strip().endswith("%") else 1)
    except ValueError as error:
        raise RecipeError(COMMAND_LINE, option, f"{text!r} must be a share, like 2% or 0.02") from error
    if not 0 < value < 1:
        raise RecipeError(COMMAND_LINE, option, f"{text} must be above 0% and below 100%")
    return value


def _positive(option: str, chosen: Any, default: Any) -> Any:
    value = default if chosen is None else chosen
    if not 0 < value < float("inf"):
        raise RecipeError(COMMAND_LINE, option, f"{value} must be a number above 0")
    return value
