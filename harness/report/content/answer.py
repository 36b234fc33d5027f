"""Rows -> the answer: who is fastest at the same work, who needs least memory, by how much, and how surely."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.compare_frameworks import Measured, Row
from harness.analysis.significance import Word
from harness.audit.verdict import PROVEN
from harness.job.experiment import Experiment, Track, section
from harness.job.frameworks import BASELINE, CEILING
from harness.machine.host import measured_on
from harness.records.run_record import RunRecord
from harness.report.content.comparison_words import MEMORY_WORDS, SPEED_WORDS
from harness.studies.claims.named_models import model_of
from harness.text import units


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One of the sentences that a reader wants first."""

    title: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RankedQuantity:
    """A quantity that the answer is about."""

    title: str
    best: str
    """What the best figure is called."""
    shown: str
    """What the best framework is, compared with the baseline."""
    better: Word
    words: Mapping[Word, str]
    show: Callable[[float], str]
    figure: Callable[[Row], Measured | None]


def _rate(value: float) -> str:
    return f"{units.rate(value)} tokens/s"


SPEED = RankedQuantity(
    title="Speed",
    best="highest",
    shown="faster",
    better="more",
    words=SPEED_WORDS,
    show=_rate,
    figure=lambda row: row.tokens_per_second,
)
MEMORY = RankedQuantity(
    title="Peak memory",
    best="lowest",
    shown="lower",
    better="less",
    words=MEMORY_WORDS,
    show=units.gibibytes,
    figure=lambda row: row.peak_memory_bytes,
)


def answers(rows: Sequence[Row], run: RunRecord) -> list[Answer]:
    """Return a sentence on speed and on memory for each track and set of conditions, and one on what was compared."""
    experiment = run.experiment
    judged = [row for row in rows if _is_judged(row)]
    sentences = []
    for track in experiment.tracks:
        for conditions in sorted({row.key.conditions for row in judged}):
            matching = [row for row in judged if row.key.conditions == conditions]
            sections = [section(method, track) for method in experiment.jobs]
            sentences += [
                _sentence(quantity, matching, sections, _title(quantity, track, conditions))
                for quantity in (SPEED, MEMORY)
            ]
    found = [sentence for sentence in sentences if sentence is not None]
    nothing = Answer(title="Speed", text="no framework gave a figure for the same job.")
    return [*(found or [nothing]), _on_what(rows, run, experiment)]


def _title(quantity: RankedQuantity, track: Track, conditions: int) -> str:
    words = [quantity.title, *([f"[{conditions}]"] if conditions else [])]
    return " ".join(words) + ("" if track == "parity" else f", {track}")


def _sentence(quantity: RankedQuantity, rows: Sequence[Row], sections: Iterable[str], title: str) -> Answer | None:
    """Say what is shown first, then what is not shown. None without figures."""
    shown: list[str] = []
    first: list[str] = []
    open_: list[str] = []
    alone: list[str] = []
    for name in sections:
        figures = {row.framework: found for row in rows if row.section == name and (found := quantity.figure(row))}
        if not figures:
            continue
        ordered = _ordered(figures, quantity)
        best = ordered[0]
        figure = _figure(figures[best], quantity)
        better = [name for name in ordered if _word(figures[name]) == quantity.better]
        if len(figures) == 1 or BASELINE not in figures:
            alone.append(f"{best} in {name} ({figure})")
        elif better:
            ahead = (
                "" if better[0] == best else f"; {_best(figures, best, quantity)} {best}, {figure}{_why(figures[best])}"
            )
            shown.append(f"{better[0]} in {name} ({_figure(figures[better[0]], quantity)}{ahead})")
        elif all(_is_worse(figure, quantity) for figure in figures.values()):
            first.append(f"{name} ({figure})")
        else:
            open_.append(f"{name} ({_best(figures, best, quantity)} {best}, {figure}{_why(figures[best])})")
    parts = []
    if shown:
        parts.append(f"{quantity.best} of those shown to be {quantity.shown} than {BASELINE}: {', '.join(shown)}")
    if first:
        parts.append(f"{BASELINE} is {quantity.best}, and all others shown to be behind it, in {', '.join(first)}")
    if open_:
        parts.append(f"no framework is shown to be {quantity.shown} than {BASELINE} in {', '.join(open_)}")
    if alone:
        parts.append(f"{quantity.best}, without {BASELINE} or another to compare with: {', '.join(alone)}")
    return Answer(title=title, text=f"{'; '.join(parts)}.") if parts else None


def _on_what(rows: Sequence[Row], run: RunRecord, experiment: Experiment) -> Answer:
    """Say how many rows were the same job, over how many processes, on what."""
    counted = [row for row in rows if row.framework != CEILING]
    same = [row for row in counted if row.same_job in PROVEN]
    deviating = sum(row.same_job == "with deviations" for row in same)
    processes = sorted({row.n for row in counted}) or [0]
    n = str(processes[0]) if len(processes) == 1 else f"{processes[0]} to {processes[-1]}"
    job = next(iter(experiment.jobs.values()))
    deviations = f", {deviating} with a declared deviation" if deviating else ""
    machine = measured_on(run.host, run.omp_num_threads)
    return Answer(
        title="Same job",
        text=f"audited to be so in {len(same)} of {len(counted)} rows{deviations}; n = {n} processes a row, on "
        f"{machine}; {model_of(job)}, sequence length {job.sequence_length}, {job.precision}. In brackets: "
        f"figure, ratio to {BASELINE} with its 95% interval.",
    )


def _is_judged(row: Row) -> bool:
    """True if a row may stand in an answer: a framework's, and of the same job."""
    return row.framework != CEILING and row.same_job != "no"


def _ordered(figures: Mapping[str, Measured], quantity: RankedQuantity) -> list[str]:
    """Return the frameworks, best first."""
    standing = _standing(figures)
    return sorted(standing, key=lambda name: standing[name], reverse=quantity.better == "more")


def _standing(figures: Mapping[str, Measured]) -> dict[str, float]:
    """Return what frameworks are ordered by: ratios over the same rounds if all have one, else the figures."""
    ratios = {name: figure.comparison.ratio.value for name, figure in figures.items() if figure.comparison is not None}
    if BASELINE in figures and len(ratios) == len(figures) - 1:
        return {BASELINE: 1.0, **ratios}
    return {name: figure.estimate.value for name, figure in figures.items()}


def _best(figures: Mapping[str, Measured], best: str, quantity: RankedQuantity) -> str:
    """Return the word for the first framework. If another's figure, over other rounds, looks better, it says why."""
    values = [figure.estimate.value for figure in figures.values()]
    extreme = max(values) if quantity.better == "more" else min(values)
    return quantity.best if figures[best].estimate.value == extreme else f"{quantity.best} over the same rounds"


def _word(measured: Measured) -> Word | None:
    return None if measured.comparison is None else measured.comparison.word


def _is_worse(measured: Measured, quantity: RankedQuantity) -> bool:
    """True if a row is the baseline's, or shown to be worse than it."""
    return measured.comparison is None or _word(measured) in ({"more", "less"} - {quantity.better})


def _figure(measured: Measured, quantity: RankedQuantity) -> str:
    value = quantity.show(measured.estimate.value)
    if measured.comparison is None:
        return value
    ratio = measured.comparison.ratio
    interval = "" if ratio.low is None or ratio.high is None else f", {ratio.low:.2f} to {ratio.high:.2f}"
    return f"{value}, {units.ratio(ratio.value)}{interval}"


def _why(measured: Measured) -> str:
    """Return what else than a missing difference keeps a figure from being shown."""
    word = _word(measured)
    return "" if word in (None, "no difference shown") else f": {word}"
