"""The measures of the criteria: each takes one figure of every framework from what was recorded or installed.

A score compares with the best of the frameworks that the old report rates. Plain transformers is scored by the same
rule and lowers nobody's score: it may be simpler or smaller than all of them, since they are built on it.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import yaml

from harness.environment.locks import lock_of, read_lines
from harness.files.locations import ADAPTERS
from harness.job.capabilities import INSTALLATION
from harness.job.experiment import section_of
from harness.job.frameworks import FRAMEWORKS
from harness.job.native import Workspace
from harness.studies.deploy.ease import Ease, ease_of
from harness.studies.rubric.accepted_changes import CHANGES, accepted_changes
from harness.studies.rubric.code_lines import code_lines_of
from harness.studies.rubric.facts import RATED, Facts
from harness.text import units

PARALLEL = ("data_parallel", "fsdp", "deepspeed", "ring_attention")
METHODS = ("full", "lora", "qlora", "dora", "relora", "packing", "rope_scaling", "dpo")
"""Methods that do not depend on a GPU's kernels."""
ENDING_SCORES = {"works": 1.0, "needs a GPU": 0.5, "listed": 0.5, "fails": 0.0, "absent": 0.0}
"""What is listed and could not be tried here counts half."""

EXPORT_SCORES: dict[Ease, float] = {"as trained": 1.0, "with a workaround": 0.5, "not as trained": 0.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """A measure's score of one framework."""

    value: float
    """From 0 (worst) to 1 (best)."""
    figure: str
    """The measured figure, in words."""


Scores = dict[str, Score]
Measure = Callable[[Facts], Scores]


def more_is_better(figures: Mapping[str, float], show: Callable[[float], str]) -> Scores:
    """Score each framework by its share of the largest; 1 for more."""
    best = max(_of_rated(figures), default=0.0)
    return {
        name: Score(value=min(1.0, figure / best) if best else 0.0, figure=show(figure))
        for name, figure in figures.items()
    }


def less_is_better(figures: Mapping[str, float], show: Callable[[float], str]) -> Scores:
    """Score each framework by the smallest figure's share of its own; 1 for less."""
    least = min(_of_rated(figures), default=0.0)
    return {
        name: Score(value=min(1.0, least / figure) if figure else 1.0, figure=show(figure))
        for name, figure in figures.items()
    }


def _of_rated(figures: Mapping[str, float]) -> list[float]:
    """Return the figures of the rated frameworks; all of them if no rated one has any."""
    return [figure for name, figure in figures.items() if name in RATED] or list(figures.values())


def over_sections(facts: Facts, column: str, *, more: bool, what: str) -> Scores:
    """Score by the geometric mean, over methods and tracks, of the ratio to the best.

    A framework that lacks a section is not scored. Medians are over the rounds that all frameworks of a section have,
    so that a machine's drift favours none.
    """
    values: dict[str, dict[str, dict[int, float]]] = {}
    for cell in facts.cells:
        if getattr(cell, column):
            values.setdefault(section_of(cell), {}).setdefault(cell.framework, {})[cell.repeat] = getattr(cell, column)
    ratios: dict[str, list[float]] = {}
    for by_framework in values.values():
        shared = set.intersection(*(set(by_round) for by_round in by_framework.values()))
        figures = {
            name: median(by_round[number] for number in shared) for name, by_round in by_framework.items() if shared
        }
        best = (max if more else min)(_of_rated(figures), default=1.0)
        for name, figure in figures.items():
            ratios.setdefault(name, []).append(min(1.0, figure / best if more else best / figure))
    scores = {}
    for name, of_framework in ratios.items():
        if len(of_framework) == len(values):
            value = math.exp(sum(map(math.log, of_framework)) / len(of_framework))
            scores[name] = Score(value=value, figure=f"{value:.2f} of the best {what}")
    return scores


def longest_context(facts: Facts) -> Scores:
    """Score by the searches within the one budget that most frameworks have."""
    found: dict[tuple[Any, ...], dict[str, float]] = {}
    for search in facts.searches:
        if search.quantity == "sequence_length" and search.largest:
            found.setdefault((search.budget_bytes, search.method, search.track), {})[search.framework] = search.largest
    if not found:
        return {}
    budget, figures = max(found.items(), key=lambda item: len(item[1]))
    return more_is_better(figures, lambda value: f"{value:,.0f} tokens in {units.budget(budget[0])}")


def of_survey(facts: Facts, *names: str) -> dict[str, float]:
    """Score by a surveyed figure, or the ratio of two."""
    surveys = {
        probe.framework: probe.figures for probe in facts.probes if probe.capability == "survey" and probe.figures
    }
    if len(names) == 1:
        return {framework: figures[names[0]] for framework, figures in surveys.items()}
    return {framework: figures[names[0]] / max(1, figures[names[1]]) for framework, figures in surveys.items()}


def install_seconds(facts: Facts) -> Scores:
    """Score by the time of a new environment from downloaded packages."""
    timed = {
        probe.framework: probe.figures for probe in facts.probes if probe.capability == INSTALLATION and probe.figures
    }
    return less_is_better({name: figures["install_seconds"] for name, figures in timed.items()}, units.seconds)


def as_shares(figures: Mapping[str, float], what: str) -> Scores:
    """Use shares as scores."""
    return {name: Score(value=value, figure=f"{value:.0%} {what}") for name, value in figures.items()}


def parallel_training(facts: Facts) -> Scores:
    """Score by attempts on a GPU alone: a failure of two processes on a CPU says nothing about several GPUs."""
    on_a_gpu = [probe for probe in facts.probes if probe.device == "cuda"]
    return of_endings(dataclasses.replace(facts, probes=on_a_gpu), PARALLEL)


def of_endings(facts: Facts, names: Iterable[str]) -> Scores:
    """Score by the mean over capabilities of how attempts ended. A framework without all of them is not scored."""
    capabilities = tuple(names)
    scores = {}
    for framework in FRAMEWORKS:
        endings = {probe.capability: probe.ending for probe in facts.probes if probe.framework == framework}
        if all(name in endings for name in capabilities):
            value = sum(ENDING_SCORES[endings[name]] for name in capabilities) / len(capabilities)
            works = sum(endings[name] == "works" for name in capabilities)
            scores[framework] = Score(value=value, figure=f"{works} of {len(capabilities)} work here")
    return scores


def seconds_to_first_step(facts: Facts) -> Scores:
    """Score by start and import of an interpreter, load and first step: the median over cells."""
    figures: dict[str, list[float]] = {}
    for cell in facts.cells:
        parts = [getattr(cell, name) for name in ("start_seconds", "load_seconds", "first_step_seconds")]
        if all(part is not None for part in parts):
            figures.setdefault(cell.framework, []).append(sum(parts))
    return less_is_better({name: median(values) for name, values in figures.items()}, units.seconds)


def config_lines(facts: Facts) -> Scores:
    """Score by the lines of the recorded native config, as YAML."""
    lines = {name: len(yaml.safe_dump(dict(options)).splitlines()) for name, options in facts.native.items()}
    return less_is_better(lines, lambda value: f"{value:.0f} lines")


def conflicts(_: Facts) -> Scores:
    """Score by the lines of overrides.txt: what had to be overruled so that it installs beside the common torch."""
    figures = {}
    for name in FRAMEWORKS:
        figures[name] = 1.0 + len(read_lines(lock_of(name, ADAPTERS).overrides))
    return less_is_better(figures, lambda value: f"{value - 1:.0f} overruled")


def packages(_: Facts) -> Scores:
    """Score by the pins of its lock."""
    figures = {name: float(len(read_lines(lock_of(name, ADAPTERS).lock))) for name in FRAMEWORKS}
    return less_is_better(figures, lambda value: f"{value:.0f} packages")


def adapter_lines(_: Facts) -> Scores:
    """Score by the code that this project needed to run the job: adapter, shims, stand-ins, without probes."""
    figures = {name: float(code_lines_of(ADAPTERS / name)) for name in FRAMEWORKS}
    return less_is_better(figures, lambda value: f"{value:.0f} lines of adapter")


def exports(facts: Facts) -> Scores:
    """Score by how each method's result was exported: 1 as it was trained, half with a workaround, else 0.

    A failure may be this machine's: it says nothing about the framework.
    """
    found: dict[str, list[float]] = {}
    for record in facts.deployments.results:
        if (ease := ease_of(record)) != "failed":
            found.setdefault(record.framework, []).append(EXPORT_SCORES[ease])
    return {
        name: Score(value=sum(scores) / len(scores), figure=f"{scores.count(1.0)} of {len(scores)} methods as trained")
        for name, scores in found.items()
    }


def knobs(facts: Facts) -> Scores:
    """Score by how many changes of the job each adapter accepts. The audit checks that they are done."""
    job = next(iter(facts.experiment.jobs.values()))
    workspace = Workspace(device=facts.experiment.device, output_path="/output")
    scores = {}
    for name in FRAMEWORKS:
        taken = accepted_changes(name, job, workspace)
        scores[name] = Score(value=taken / len(CHANGES), figure=f"{taken} of {len(CHANGES)} changes of the job")
    return scores


def releases(facts: Facts) -> Scores:
    """Score by the logarithm of the last year's releases: a hundred are not a hundred times as good as one."""
    counts = {name: package["releases_in_a_year"] for name, package in facts.registry.get("frameworks", {}).items()}
    return more_is_better(
        {name: math.log1p(count) for name, count in counts.items()},
        lambda value: f"{math.expm1(value):.0f} releases in a year",
    )


def freshness(facts: Facts) -> Scores:
    """Score by the last release: half for each half year since then."""
    asked = facts.registry.get("asked")
    scores = {}
    for name, package in facts.registry.get("frameworks", {}).items():
        days = (asked - package["released"]).days if isinstance(asked, datetime.date) else 0
        scores[name] = Score(value=0.5 ** (days / 182.5), figure=f"last release {days} days before {asked}")
    return scores


MEASURES: dict[str, Measure] = {
    "steady_rate": lambda facts: over_sections(facts, "tokens_per_second", more=True, what="tokens/s"),
    "end_to_end_rate": lambda facts: over_sections(
        facts, "end_to_end_tokens_per_second", more=True, what="tokens/s end to end"
    ),
    "peak_memory": lambda facts: over_sections(facts, "peak_memory_bytes", more=False, what="peak memory"),
    "longest_context": longest_context,
    "install_seconds": install_seconds,
    "installed_bytes": lambda facts: less_is_better(of_survey(facts, "installed_bytes"), units.gibibytes),
    "packages": packages,
    "conflicts": conflicts,
    "config_lines": config_lines,
    "seconds_to_first_step": seconds_to_first_step,
    "adapter_lines": adapter_lines,
    "exports": exports,
    "parallel_training": parallel_training,
    "knobs": knobs,
    "methods": lambda facts: of_endings(facts, METHODS),
    "releases": releases,
    "freshness": freshness,
    "docstrings": lambda facts: as_shares(
        of_survey(facts, "documented_objects", "public_objects"), "of its public code has docstrings"
    ),
    "explained_options": lambda facts: as_shares(
        of_survey(facts, "explained_options", "options"), "of its options are explained"
    ),
    "examples": lambda facts: more_is_better(
        {name: math.log1p(count) for name, count in of_survey(facts, "example_files").items()},
        lambda value: f"{math.expm1(value):.0f} shipped examples and pages",
    ),
}
"""By the name that recipes/rubric.yaml weighs."""
