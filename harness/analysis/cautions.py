"""What a reader must know before believing a figure. Each caution has one text, the same in every report."""

from __future__ import annotations

import enum
import statistics
from collections.abc import Iterable, Mapping

from harness.analysis.adaptive import unreached
from harness.analysis.node_agreement import nodes_disagree
from harness.analysis.significance import LEAST_FOR_A_VERDICT
from harness.job.experiment import section_of
from harness.records.cell_record import CellRecord
from harness.records.run_record import RunRecord

LARGE_SPREAD = 0.10
"""A standard deviation above this share of the mean makes a figure unstable, as in pyperf."""
LARGE_LOAD = 0.10
LARGE_DRIFT = 0.05
LARGE_LOWERED_SHARE = 0.05
LARGE_THROTTLED_SHARE = 0.05
LEAST_BUSY_SHARE = 0.80
LEAST_FOR_OUTLIERS = 4


class Caution(enum.Enum):
    """A reason to be careful. Its value is the sentence that reports show."""

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
        "Fewer than three processes a framework: too few for any verdict. --repeats 3 allows one on memory, which "
        "hardly varies; --repeats 5 finds 5% in speed where processes differ by 1%."
    )
    PRECISION = (
        "The precision that --until asks for was not reached within --max-repeats rounds: some ratio's interval is "
        "wider. More rounds or a quieter machine narrow it."
    )
    SPREAD = (
        "The processes of some framework differ by more than 10% (standard deviation of tokens/s): this machine is "
        "noisy, or busy with something else."
    )
    OTHER_LOAD = (
        "Other processes used more than a tenth of the machine's threads during some cell (other_cpu_cores): its time "
        "is partly theirs."
    )
    LOADED = (
        "When the run began, other processes already used more than a tenth of the machine's threads "
        "(other_cpu_cores_at_start)."
    )
    GPU_SHARED = (
        "Another process used the GPU when the run began (--allow-busy) or during some cell (other_gpu_processes): "
        "time, power and the device's memory are partly its."
    )
    GPU_WAITED = (
        "In some cell's steady steps no kernel ran for more than a fifth of the time (gpu_busy_share): the host was "
        "the limit, so this ranks hosts as much as frameworks. A larger micro batch, or compile, shows more of the GPU."
    )
    GPU_NOT_RETURNED = (
        "After some cell not all of the GPU's memory came back in time (gpu_bytes_not_returned, since "
        "gpu_not_returned_since): what held it may have disturbed the cells after it."
    )
    CLOCKS_LOWERED = (
        "The GPU lowered its clocks for power or heat in more than a twentieth of the looks at some cell "
        "(clocks_lowered_by): a cooler or less limited card of the same kind is faster."
    )
    MACHINES_DIFFER = (
        "Rounds ran on several machines of one kind, and some ratio is another on one of them than on the rest: the "
        "interval holds both, and says nothing of either alone."
    )
    DRIFT = "Over the rounds the machine became faster or slower by more than 5%; rounds are compared as wholes."
    OUTLIERS = (
        "Some process was far from the others of its framework: the intervals of its ratios are wide for that. More "
        "rounds narrow them."
    )
    SWAPPING = "The machine swapped memory during some cell: its time is partly the disk's."
    THROTTLED = (
        "The container's quota of CPU time was used up in more than a twentieth of its periods during some cell "
        "(throttled_share): its time is partly the quota's."
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
    MISSING = "Cells that the run had recorded are no longer in its folder: what is left may be a choice."
    UNFINISHED = "The run is not complete: --resume finishes it."


def cautions_of(run: RunRecord, records: Iterable[CellRecord]) -> list[Caution]:
    """The cautions that hold for a recorded run, in the order of the enum."""
    cells = list(records)
    experiment, inputs, threads = run.experiment, run.inputs.values(), run.host.cpu_threads
    at_start = cautions_at_start(run)
    holds = {
        Caution.STAND_IN_CORPUS: any(inputs_of.dataset_is_stand_in for inputs_of in inputs),
        Caution.RANDOM_WEIGHTS: any(inputs_of.model_source.startswith("random weights") for inputs_of in inputs),
        Caution.CPU: experiment.device == "cpu",
        Caution.FEW_REPEATS: experiment.repeats < LEAST_FOR_A_VERDICT,
        Caution.PRECISION: unreached(experiment, cells),
        Caution.SPREAD: any(_spread(rates) > LARGE_SPREAD for rates in _rates(cells).values()),
        Caution.OTHER_LOAD: any((cell.other_cpu_cores or 0) > LARGE_LOAD * threads for cell in cells),
        Caution.LOADED: Caution.LOADED in at_start,
        Caution.GPU_SHARED: Caution.GPU_SHARED in at_start or any(cell.other_gpu_processes for cell in cells),
        Caution.GPU_WAITED: any(
            cell.gpu_busy_share is not None and cell.gpu_busy_share < LEAST_BUSY_SHARE for cell in cells
        ),
        Caution.GPU_NOT_RETURNED: any(cell.gpu_bytes_not_returned for cell in cells),
        Caution.CLOCKS_LOWERED: any((cell.clocks_lowered_share or 0) > LARGE_LOWERED_SHARE for cell in cells),
        Caution.MACHINES_DIFFER: nodes_disagree(cells, experiment.smallest_effect),
        Caution.DRIFT: _drifts(cells),
        Caution.OUTLIERS: any(_has_outlier(rates) for rates in _rates(cells).values()),
        Caution.SWAPPING: any((cell.swapped_bytes or 0) > 0 for cell in cells),
        Caution.THROTTLED: any((cell.throttled_share or 0) > LARGE_THROTTLED_SHARE for cell in cells),
        Caution.NOT_AUDITED: any(cell.same_job == "not audited" for cell in cells),
        Caution.NOT_THE_SAME_JOB: any(cell.same_job == "no" for cell in cells),
        Caution.DEVIATIONS: any(cell.deviations for cell in cells),
        Caution.NOT_ALL_OK: any(cell.outcome != "ok" for cell in cells),
        Caution.MISSING: _lacks_something(run, cells),
        Caution.UNFINISHED: not run.is_complete,
    }
    return [caution for caution in Caution if holds[caution]]


def cautions_at_start(run: RunRecord) -> list[Caution]:
    """Return the cautions that are known before the first cell, while the user can still act on them."""
    return [
        caution
        for caution, holds in (
            (Caution.LOADED, _was_loaded(run)),
            (Caution.GPU_SHARED, bool(run.gpu_shared_with)),
        )
        if holds
    ]


def _lacks_something(run: RunRecord, cells: Iterable[CellRecord]) -> bool:
    """True if a cell or an audit is gone that the run had when it last ended."""
    return not set(run.contents.get("cells", ())) <= {cell.cell for cell in cells}


def _was_loaded(run: RunRecord) -> bool:
    return run.other_cpu_cores_at_start > LARGE_LOAD * run.host.cpu_threads


def _rates(cells: Iterable[CellRecord]) -> dict[tuple[str, str], dict[int, float]]:
    """Return the tokens/s of each row's processes, by round."""
    rates: dict[tuple[str, str], dict[int, float]] = {}
    for cell in cells:
        if cell.outcome == "ok" and cell.tokens_per_second and not cell.twin:
            rates.setdefault((section_of(cell), cell.framework), {})[cell.repeat] = cell.tokens_per_second
    return rates


def _spread(rates: Mapping[int, float]) -> float:
    """Return the standard deviation over processes as a share of their mean."""
    return statistics.stdev(rates.values()) / statistics.mean(rates.values()) if len(rates) > 1 else 0.0


def _has_outlier(rates: Mapping[int, float]) -> bool:
    """True if a process is more than five robust standard deviations, and more than 5%, from the median."""
    if len(rates) < LEAST_FOR_OUTLIERS:
        return False
    middle = statistics.median(rates.values())
    scale = 1.4826 * statistics.median(abs(rate - middle) for rate in rates.values())
    return any(abs(rate - middle) > max(5 * scale, LARGE_DRIFT * middle) for rate in rates.values())


def _drifts(cells: Iterable[CellRecord]) -> bool:
    """True if some row's medians of the first and the last third of its rounds differ by more than 5%."""
    changes = []
    for rates in _rates(cells).values():
        rounds = sorted(rates)
        third = len(rounds) // 3
        if third:
            first, last = (
                statistics.median(rates[index] for index in part) for part in (rounds[:third], rounds[-third:])
            )
            changes.append(last / first - 1)
    return bool(changes) and abs(statistics.median(changes)) > LARGE_DRIFT
