"""What a reader must know before believing a figure: one text each, the same words in every report."""

from __future__ import annotations

import enum
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

LARGE_SPREAD = 0.10
"""As in pyperf: a standard deviation above this share of the mean makes a figure unstable."""


class Caution(enum.Enum):
    """A reason to be careful; its value is the sentence that reports show."""

    STAND_IN_CORPUS = (
        "The text is not FineWeb-Edu but a stand-in, since the hub did not answer: losses say nothing about "
        "FineWeb-Edu. Throughput and memory do not depend on the text."
    )
    RANDOM_WEIGHTS = (
        "The weights are random: losses start near the logarithm of the vocabulary and say only whether the frameworks "
        "agree. Throughput and memory do not depend on the values."
    )
    CPU = (
        "Measured on a CPU: this ranks no framework for a GPU, where other kernels run. It shows that all of them do "
        "the same work, and what each costs here."
    )
    FEW_REPEATS = (
        "Fewer than five processes a framework: no difference between five frameworks can be shown with so few, so "
        "there is no verdict; --repeats 5 allows one."
    )
    SPREAD = (
        "The processes of some framework differ by more than 10% (standard deviation of tokens/s): this machine is "
        "noisy, or busy with something else."
    )
    NOT_AUDITED = (
        "Some frameworks were not audited: that they trained the same job is shown only by steps, trained parameters "
        "and losses. --resume without --no-audit audits them."
    )
    NOT_THE_SAME_JOB = (
        "Some frameworks did not train the same job: their figures are shown, but stand in no ratio and no answer."
    )
    DEVIATIONS = "Some frameworks did something differently from the job; each is named under its table, with a star."
    NOT_ALL_OK = "Some cells gave no figures; each is listed with its reason."
    UNFINISHED = "The run is not complete: --resume finishes it."


def cautions_of(run: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> list[Caution]:
    """The cautions that hold for a recorded run, in the order of the enum."""
    cells = list(records)
    experiment = run["experiment"]
    inputs = run["inputs"].values()
    holds = {
        Caution.STAND_IN_CORPUS: any(one["dataset_is_stand_in"] for one in inputs),
        Caution.RANDOM_WEIGHTS: any(one["model_source"].startswith("random weights") for one in inputs),
        Caution.CPU: experiment["device"] == "cpu",
        Caution.FEW_REPEATS: experiment["repeats"] < 5,
        Caution.SPREAD: any(spread > LARGE_SPREAD for spread in _spreads(cells)),
        Caution.NOT_AUDITED: any(cell["same_job"] == "not audited" for cell in cells),
        Caution.NOT_THE_SAME_JOB: any(cell["same_job"] == "no" for cell in cells),
        Caution.DEVIATIONS: any(cell["deviations"] for cell in cells),
        Caution.NOT_ALL_OK: any(cell["outcome"] != "ok" for cell in cells),
        Caution.UNFINISHED: run["status"] != "complete",
    }
    return [caution for caution in Caution if holds[caution]]


def _spreads(cells: Iterable[Mapping[str, Any]]) -> Iterable[float]:
    """Of each row: standard deviation of tokens/s over its processes, as a share of their mean."""
    rates: dict[tuple[str, str], list[float]] = {}
    for cell in cells:
        if cell["outcome"] == "ok" and cell["tokens_per_second"]:
            rates.setdefault((cell["method"], cell["framework"]), []).append(cell["tokens_per_second"])
    return [statistics.stdev(values) / statistics.mean(values) for values in rates.values() if len(values) > 1]
