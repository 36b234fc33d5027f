"""recipes/claims/*.yaml -> checked claims: who claims what about whom, under which conditions, where and when."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from harness.errors import RecipeError
from harness.files.locations import RECIPES
from harness.files.yaml_files import Strict, nearest, read_yaml
from harness.job.capabilities import CAPABILITIES, OF_ONE_FRAMEWORK
from harness.job.experiment import Track
from harness.job.frameworks import FRAMEWORKS
from harness.job.job import METHODS, Attention, Method, Precision
from harness.job.tuned import Knobs
from harness.studies.claims.metric_ranges import (
    JUDGED_BY_A_RANGE,
    MEANINGS,
    METRICS,
    OF_TWO_SETTINGS,
    RATIOS,
    Bounds,
    Metric,
)
from harness.studies.deploy.quantizations import QUANTIZATIONS

CLAIMS = RECIPES / "claims"
WHAT: Mapping[Metric, Collection[str]] = {
    "easy_to_export": METHODS,
    "fits_on_board": QUANTIZATIONS,
    "runs_on_board": QUANTIZATIONS,
}
"""What a part may name, by its metric."""
FASTER, LESS_TIME = re.compile(r"\bfaster\b", re.IGNORECASE), re.compile(r"\bless time\b", re.IGNORECASE)


def _known_framework(name: str) -> str:
    if name not in FRAMEWORKS:
        raise ValueError(f"is not a framework{nearest(name, FRAMEWORKS)}; known are {', '.join(FRAMEWORKS)}")
    return name


FrameworkName = Annotated[str, pydantic.AfterValidator(_known_framework)]


class Conditions(Strict):
    """A claim's conditions. One that it does not state is None or empty, and holds for any."""

    device: Literal["cpu", "cuda"] | None = None
    gpu: str | None = None
    """Words in the GPU's name, like "RTX 4090"."""
    gpus: int | None = pydantic.Field(default=None, ge=1)
    memory_gb: float | None = pydantic.Field(default=None, gt=0)
    """Memory of the GPU, in 1e9 bytes; for the longest context it is the budget."""
    model: str | None = None
    method: Method | None = None
    track: Track | None = None
    precision: Precision | None = None
    micro_batch_size: int | None = pydantic.Field(default=None, ge=1)
    gradient_accumulation_steps: int | None = pydantic.Field(default=None, ge=1)
    sequence_length: int | None = pydantic.Field(default=None, ge=2)
    lora_rank: int | None = pydantic.Field(default=None, ge=1)
    target_modules: tuple[str, ...] | None = None
    gradient_checkpointing: bool | None = None
    compile: bool | None = None
    attention: Attention | None = None
    """Attention of both sides, for a claim whose baseline has fast kernels too."""
    versions: dict[str, str] = {}
    """Versions of packages, as far as stated: "4.36" is any 4.36."""
    others: tuple[str, ...] = ()
    """Conditions that no job of this harness has, in words. Results never meet them."""

    @property
    def given(self) -> dict[str, Any]:
        """The stated conditions, by name."""
        return {name: value for name, value in self if value not in (None, {}, ())}

    @property
    def not_given(self) -> tuple[str, ...]:
        """Names of the conditions that are not stated."""
        return tuple(name for name in type(self).model_fields if name not in self.given and name != "others")


class Source(Strict):
    """Where the claim was published, and by whom."""

    where: str = pydantic.Field(min_length=1)
    date: Annotated[str, pydantic.BeforeValidator(str)] = pydantic.Field(min_length=1)
    """As far as it is known. YAML reads 2024 as a number and 2024-03-01 as a date, so both are accepted."""


class Switch(Strict):
    """A setting that a claim about one framework switches on.

    The other side is the same job without it, in the same run. Without job, native and instead_of the setting is only
    words, and no run of this harness has both sides.
    """

    what: str = pydantic.Field(min_length=1)
    job: Knobs = Knobs()
    native: dict[str, Any] = {}
    """Options that deep_merge puts into the framework's config."""
    instead_of: Method | None = None
    """The method of the other side."""

    @property
    def knobs(self) -> dict[str, Any]:
        """Names of the job's knobs that it changes."""
        return self.job.model_dump(exclude_none=True)

    @property
    def turns(self) -> bool:
        """True if it changes a job or a config, and not only the method."""
        return bool(self.knobs or self.native)

    @property
    def can_be_run(self) -> bool:
        """True if a run can have both sides."""
        return self.turns or self.instead_of is not None


class Part(Strict):
    """One part of a claim. Each part is judged."""

    metric: Metric
    at_least: float | None = pydantic.Field(default=None, ge=0)
    at_most: float | None = pydantic.Field(default=None, ge=0)
    subject: FrameworkName | None = None
    """Replaces the claim's."""
    baseline: FrameworkName | None = None
    """Replaces the claim's."""
    what: tuple[str, ...] = ()
    """Depends on the metric.

    `supports`: names of capabilities (harness.job.capabilities). `easy_to_export`: methods. `fits_on_board` and
    `runs_on_board`: formats of GGUF files. `stars`: the rubric's criterion. `recommended`: the frameworks, best first.
    """
    conditions: Conditions = Conditions()
    """Added to the claim's."""
    setting: Switch | None = None
    """Replaces the claim's."""

    @property
    def bounds(self) -> Bounds:
        """The claimed range of the metric's quantity."""
        return MEANINGS[self.metric].bounds(self.at_least, self.at_most)

    @pydantic.model_validator(mode="after")
    def _can_be(self) -> Part:
        meaning = MEANINGS[self.metric]
        if meaning.quantity == "capability":
            known = {*CAPABILITIES, *OF_ONE_FRAMEWORK}
            for name in self.what or ("",):
                if name not in known:
                    raise ValueError(f"{name!r} is no capability{nearest(name, known)}; known are {', '.join(known)}")
        for metric, known_names in WHAT.items():
            if self.metric == metric and not set(self.what or ("",)) <= set(known_names):
                raise ValueError(f"{metric} needs some of {', '.join(known_names)} as what")
        if meaning.quantity == "stars" and len(self.what) != 1:
            raise ValueError("stars needs one criterion of recipes/rubric.yaml as what")
        if meaning.quantity not in JUDGED_BY_A_RANGE:
            if self.at_least is not None or self.at_most is not None:
                raise ValueError(f"{self.metric} has no range: at_least and at_most do not belong here")
            return self
        figures = [figure for figure in (self.at_least, self.at_most) if figure is not None]
        if not figures:
            raise ValueError(f"{self.metric} needs at_least, at_most or both")
        if any(figure >= meaning.below for figure in figures):
            raise ValueError(f"{self.metric} must be below {meaning.below:g}")
        if len(figures) == 2 and figures[0] > figures[1]:
            raise ValueError(f"at_least {figures[0]:g} is above at_most {figures[1]:g}: no figure can be both")
        return self


class Claim(Strict):
    """One published claim."""

    id: str = pydantic.Field(pattern=r"^[A-Z]\d+(\.\d+)?$")
    statement: str = pydantic.Field(min_length=1)
    """The claim, in this project's words."""
    subject: FrameworkName
    baseline: FrameworkName | None = None
    parts: tuple[Part, ...] = pydantic.Field(min_length=1)
    conditions: Conditions = Conditions()
    source: Source
    doubts: str = ""
    """What is doubtful about the claim itself."""
    setting: Switch | None = None
    """For a claim about one framework with and without something: what it is."""

    @pydantic.model_validator(mode="after")
    def _is_whole(self) -> Claim:
        metrics = {part.metric for part in self.parts}
        if FASTER.search(self.statement) and "percent_less_time" in metrics:
            raise ValueError("its statement says faster, its metric less time: 24% faster is 19.4% less time")
        if LESS_TIME.search(self.statement) and metrics & {"percent_faster", "times_faster"}:
            raise ValueError("its statement says less time, its metric faster: 24% faster is 19.4% less time")
        for part in self.parts:
            quantity, setting = MEANINGS[part.metric].quantity, self.setting_of(part)
            if quantity in RATIOS and not (part.baseline or self.baseline or setting):
                raise ValueError(f"{part.metric} needs a baseline: faster or less than whom?")
            if setting is not None and setting.can_be_run and quantity not in OF_TWO_SETTINGS:
                allowed = ", ".join(name for name in METRICS if MEANINGS[name].quantity in OF_TWO_SETTINGS)
                raise ValueError(f"{part.metric} is not judged with and without a setting; what is: {allowed}")
        turning = [switch for switch in map(self.setting_of, self.parts) if switch is not None and switch.turns]
        if any(switch != turning[0] for switch in turning):
            raise ValueError("its parts switch different things on, of which one run can have one: make it two claims")
        return self

    def setting_of(self, part: Part) -> Switch | None:
        """Return what a part switches on; None if it compares two frameworks, or switches nothing."""
        return part.setting or self.setting

    def conditions_of(self, part: Part) -> Conditions:
        """Return all stated conditions of a part."""
        return Conditions.model_validate({**self.conditions.given, **part.conditions.given})


class _ClaimsFile(Strict):
    claims: tuple[Claim, ...] = pydantic.Field(min_length=1)


def read_claims(folder: Path = CLAIMS) -> tuple[Claim, ...]:
    """Return all claims of a registry, in the order of its files. Raises RecipeError."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise RecipeError(folder, None, "has no *.yaml with claims")
    claims: dict[str, Claim] = {}
    for path in files:
        file = read_yaml(path, _ClaimsFile, what="a claim", sections=[Claim, Part, Conditions, Source, Switch, Knobs])
        for claim in file.claims:
            if claim.id in claims:
                raise RecipeError(path, claim.id, "is the id of another claim already")
            claims[claim.id] = claim
    return tuple(claims.values())


def choose_claims(claims: Sequence[Claim], text: str) -> tuple[Claim, ...]:
    """Return the claims of "all", or of ids with commas; "R1" means R1.1, R1.2 and so on. Raises RecipeError."""
    if text == "all":
        return tuple(claims)
    chosen: list[Claim] = []
    for name in filter(None, (word.strip() for word in text.split(","))):
        found = [claim for claim in claims if claim.id == name or claim.id.startswith(f"{name}.")]
        if not found:
            known = [claim.id for claim in claims]
            problem = f"{name!r} is no claim{nearest(name, known)}; `harness verify` lists them"
            raise RecipeError("command line", "claim", problem)
        chosen += [claim for claim in found if claim not in chosen]
    if not chosen:
        raise RecipeError("command line", "claim", "names no claim")
    return tuple(chosen)
