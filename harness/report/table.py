"""The one table that Markdown and the terminal share: a row per method and framework, over its processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from harness.frameworks import BASELINE, FRAMEWORKS
from harness.job import METHODS
from harness.report import units
from harness.statistics import SMALLEST_EFFECT, Comparison, Estimate, Word, compare, median_estimate

Key = tuple[str, str]
"""Method and framework."""

EQUIVALENT = f"equivalent within {SMALLEST_EFFECT:.0%}"
SPEED_WORDS: Mapping[Word, str] = {"more": "faster", "less": "slower", "equivalent": EQUIVALENT}
MEMORY_WORDS: Mapping[Word, str] = {"more": "more memory", "less": "less memory", "equivalent": EQUIVALENT}
CPU_WORDS: Mapping[Word, str] = {"more": "more CPU time", "less": "less CPU time", "equivalent": EQUIVALENT}


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One quantity of one row: its median over processes, and against the baseline's."""

    estimate: Estimate
    comparison: Comparison | None
    """None for the baseline, without one, and for what was not the same job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What the processes of one framework gave for one method; None where none was ok."""

    method: str
    framework: str
    version: str
    n: int
    """Processes with outcome ok: what every figure of this row is over."""
    tokens_per_second: Measured | None
    peak_memory_bytes: Measured | None
    step_cpu_seconds: Measured | None
    first_loss: float | None
    final_loss: float | None
    outcomes: Mapping[str, int]
    deviations: str
    same_job: str
    """ "yes", "with deviations", "no" or "not audited"; a row that is not the same job is in no ratio and no answer."""
    notes: tuple[str, ...] = ()
    """What must be said of this framework beside its figures."""

    @property
    def outcome(self) -> str:
        """ "ok", or how many cells ended in which way."""
        if set(self.outcomes) == {"ok"}:
            return "ok"
        return ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.items())


HEADINGS = (
    "framework",
    "n",
    "tokens/s",
    f"to {BASELINE}",
    "speed",
    "peak memory",
    f"to {BASELINE}",
    "memory",
    "final loss",
    "same job",
    "outcome",
)
CPU_HEADINGS = ("framework", "n", "CPU time per step", f"to {BASELINE}", "CPU time")


def rows_of(records: Iterable[Mapping[str, Any]], run: Mapping[str, Any] | None = None) -> list[Row]:
    """A row per method and framework, in the order of METHODS and FRAMEWORKS; `run` adds the frameworks' notes."""
    told = {} if run is None else run["frameworks"]
    groups: dict[Key, list[Mapping[str, Any]]] = {}
    for record in records:
        groups.setdefault((record["method"], record["framework"]), []).append(record)
    same_job = {key: _same_job(cells) for key, cells in groups.items()}
    speed = _measured(groups, same_job, "tokens_per_second")
    memory = _measured(groups, same_job, "peak_memory_bytes")
    cpu = _measured(groups, same_job, "median_step_cpu_seconds")
    return [
        Row(
            method=method,
            framework=framework,
            version=next((cell["framework_version"] for cell in cells if cell["framework_version"]), ""),
            n=sum(cell["outcome"] == "ok" for cell in cells),
            tokens_per_second=speed.get(key),
            peak_memory_bytes=memory.get(key),
            step_cpu_seconds=cpu.get(key),
            first_loss=_median(cells, "first_loss"),
            final_loss=_median(cells, "final_loss"),
            outcomes=dict(Counter(cell["outcome"] for cell in cells)),
            same_job=same_job[key],
            deviations=next((cell["deviations"] for cell in cells if cell["deviations"]), ""),
            notes=tuple(told.get(framework, {}).get("notes", ())),
        )
        for key in sorted(groups, key=lambda key: (METHODS.index(key[0]), FRAMEWORKS.index(key[1])))
        for method, framework, cells in [(*key, groups[key])]
    ]


def cells_of(row: Row) -> tuple[str, ...]:
    """A row as text, in the order of HEADINGS."""
    speed, memory = row.tokens_per_second, row.peak_memory_bytes
    return (
        f"{row.framework} {row.version}".strip() + (" *" if row.notes or row.deviations else ""),
        str(row.n),
        _with_interval(speed, units.rate),
        _ratio(speed),
        _word(speed, SPEED_WORDS),
        _value(memory, units.gibibytes),
        _ratio(memory),
        _word(memory, MEMORY_WORDS),
        units.loss(row.final_loss),
        row.same_job,
        row.outcome,
    )


def cpu_cells_of(row: Row) -> tuple[str, ...]:
    """A row's CPU time as text, in the order of CPU_HEADINGS."""
    cpu = row.step_cpu_seconds
    return (
        row.framework,
        str(row.n),
        _with_interval(cpu, units.seconds),
        _ratio(cpu),
        _word(cpu, CPU_WORDS),
    )


def footnotes(rows: Iterable[Row], method: str) -> list[str]:
    """What the stars of a method's table stand for."""
    return [
        f"* {row.framework}: {text}"
        for row in rows
        if row.method == method
        for text in (*row.notes, *filter(None, [row.deviations]))
    ]


def answer(rows: Sequence[Row], method: str) -> str:
    """One sentence on who was fastest and who used least memory, with how surely."""
    speeds = {
        row.framework: row.tokens_per_second
        for row in rows
        if row.method == method and row.tokens_per_second is not None and row.same_job != "no"
    }
    memories = {
        row.framework: row.peak_memory_bytes
        for row in rows
        if row.framework in speeds and row.method == method and row.peak_memory_bytes is not None
    }
    if not speeds:
        return f"{method}: no framework gave a figure for the same job."
    fastest = max(speeds, key=lambda name: speeds[name].estimate.value)
    text = f"{method}: highest throughput {_named(fastest, speeds[fastest], units.rate, 'tokens/s', SPEED_WORDS)}"
    if memories:
        lightest = min(memories, key=lambda name: memories[name].estimate.value)
        text += f"; lowest peak memory {_named(lightest, memories[lightest], units.gibibytes, '', MEMORY_WORDS)}"
    return text + "."


def _named(
    framework: str, measured: Measured, show: Callable[[float], str], unit: str, words: Mapping[Word, str]
) -> str:
    value = f"{show(measured.estimate.value)} {unit}".strip()
    if measured.comparison is None:
        return f"{framework} ({value}, n = {measured.estimate.n})"
    return f"{framework} ({value}, {_ratio(measured)} {BASELINE}, n = {measured.estimate.n}: {_word(measured, words)})"


def loss_agreement(rows: Sequence[Row], method: str) -> str:
    """How far the frameworks' first losses lie apart, relative to the smallest; empty for fewer than two."""
    losses = [row.first_loss for row in rows if row.method == method and row.first_loss is not None]
    if len(losses) < 2:
        return ""
    apart = (max(losses) - min(losses)) / min(losses)
    how = f"lie within {apart:.1e} of each other (relative)" if apart else "are equal to the last bit"
    return f"{method}: the first losses of {len(losses)} frameworks {how}."


def _same_job(cells: Sequence[Mapping[str, Any]]) -> str:
    """Of the cells that gave figures: one that was another job makes the row another job."""
    said = {cell["same_job"] for cell in cells if cell["outcome"] == "ok"} or {cell["same_job"] for cell in cells}
    return next((word for word in ("no", "not audited", "with deviations") if word in said), "yes")


def _median(cells: Iterable[Mapping[str, Any]], column: str) -> float | None:
    values = _values(cells, column)
    return median(values) if values else None


def _measured(
    groups: Mapping[Key, Sequence[Mapping[str, Any]]], same_job: Mapping[Key, str], column: str
) -> dict[Key, Measured]:
    """A quantity of every row that has it; a family of comparisons is one method's rows against the baseline's."""
    values = {key: _values(cells, column) for key, cells in groups.items()}
    comparisons: dict[Key, Comparison] = {}
    for method in {method for method, _ in groups}:
        counting = {
            framework: found
            for (of, framework), found in values.items()
            if of == method and found and same_job[of, framework] != "no"
        }
        if baseline := counting.pop(BASELINE, None):
            comparisons |= {(method, name): one for name, one in compare(counting, baseline).items()}
    return {
        key: Measured(estimate=median_estimate(found), comparison=comparisons.get(key))
        for key, found in values.items()
        if found
    }


def _values(cells: Iterable[Mapping[str, Any]], column: str) -> list[float]:
    return [cell[column] for cell in cells if cell["outcome"] == "ok" and cell[column] is not None]


def _value(measured: Measured | None, show: Callable[[float], str]) -> str:
    return units.NOTHING if measured is None else show(measured.estimate.value)


def _with_interval(measured: Measured | None, show: Callable[[float], str]) -> str:
    if measured is None:
        return units.NOTHING
    one = measured.estimate
    interval = "" if one.low is None or one.high is None else f" ({show(one.low)} to {show(one.high)})"
    return show(one.value) + interval


def _ratio(measured: Measured | None) -> str:
    if measured is None or measured.comparison is None:
        return units.NOTHING
    one = measured.comparison.ratio
    interval = "" if one.low is None or one.high is None else f" ({one.low:.2f} to {one.high:.2f})"
    return units.ratio(one.value) + interval


def _word(measured: Measured | None, words: Mapping[Word, str]) -> str:
    if measured is None or measured.comparison is None:
        return units.NOTHING
    return words.get(measured.comparison.word, measured.comparison.word)
