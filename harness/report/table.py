"""The one table that Markdown and the terminal share: a row per method and framework, over its processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from harness.frameworks import BASELINE, FRAMEWORKS
from harness.job import METHODS
from harness.report import units


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What the processes of one framework gave for one method; None where none was ok."""

    method: str
    framework: str
    version: str
    n: int
    """Processes with outcome ok: what every figure of this row is over."""
    tokens_per_second: float | None
    """Median over processes."""
    tokens_per_second_range: tuple[float, float] | None
    ratio_to_baseline: float | None
    """Of the medians."""
    peak_memory_bytes: float | None
    first_loss: float | None
    final_loss: float | None
    outcomes: Mapping[str, int]
    deviations: str
    same_job: str
    """ "yes", "with deviations", "no" or "not audited"; a row that is not the same job is in no ratio and no answer."""
    notes: tuple[str, ...] = ()
    """What must be said of this framework beside its figures."""

    @property
    def spread(self) -> float | None:
        """Range of the processes' tokens/s, as a share of their median; None for fewer than two."""
        if self.tokens_per_second is None or self.tokens_per_second_range is None or self.n < 2:
            return None
        low, high = self.tokens_per_second_range
        return (high - low) / self.tokens_per_second

    @property
    def outcome(self) -> str:
        """ "ok", or how many cells ended in which way."""
        if set(self.outcomes) == {"ok"}:
            return "ok"
        return ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.items())


HEADINGS = (
    "framework",
    "tokens/s",
    "range",
    "n",
    "to transformers",
    "peak memory",
    "first loss",
    "final loss",
    "same job",
    "outcome",
)


def rows_of(records: Iterable[Mapping[str, Any]], run: Mapping[str, Any] | None = None) -> list[Row]:
    """A row per method and framework, in the order of METHODS and FRAMEWORKS; `run` adds the frameworks' notes."""
    told = {} if run is None else run["frameworks"]
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for record in records:
        groups.setdefault((record["method"], record["framework"]), []).append(record)
    rates = {key: _median(cells, "tokens_per_second") for key, cells in groups.items()}
    same_job = {key: _same_job(cells) for key, cells in groups.items()}
    rows = []
    for method, framework in sorted(groups, key=lambda key: (METHODS.index(key[0]), FRAMEWORKS.index(key[1]))):
        cells = groups[method, framework]
        ok = [cell for cell in cells if cell["outcome"] == "ok"]
        own, base = (
            rates.get(key) if same_job.get(key) != "no" else None for key in ((method, framework), (method, BASELINE))
        )
        speeds = [cell["tokens_per_second"] for cell in ok]
        rows.append(
            Row(
                method=method,
                framework=framework,
                version=next((cell["framework_version"] for cell in cells if cell["framework_version"]), ""),
                n=len(ok),
                tokens_per_second=rates[method, framework],
                tokens_per_second_range=(min(speeds), max(speeds)) if speeds else None,
                ratio_to_baseline=own / base if own and base else None,
                peak_memory_bytes=_median(cells, "peak_memory_bytes"),
                first_loss=_median(cells, "first_loss"),
                final_loss=_median(cells, "final_loss"),
                outcomes=dict(Counter(cell["outcome"] for cell in cells)),
                same_job=same_job[method, framework],
                deviations=next((cell["deviations"] for cell in cells if cell["deviations"]), ""),
                notes=tuple(told.get(framework, {}).get("notes", ())),
            )
        )
    return rows


def cells_of(row: Row) -> tuple[str, ...]:
    """A row as text, in the order of HEADINGS."""
    low, high = row.tokens_per_second_range or (None, None)
    return (
        f"{row.framework} {row.version}".strip() + (" *" if row.notes or row.deviations else ""),
        units.rate(row.tokens_per_second),
        f"{units.rate(low)} to {units.rate(high)}" if row.n > 1 else units.NOTHING,
        str(row.n),
        units.ratio(row.ratio_to_baseline),
        units.gibibytes(row.peak_memory_bytes),
        units.loss(row.first_loss),
        units.loss(row.final_loss),
        row.same_job,
        row.outcome,
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
    """One or two sentences on who was fastest and who used least memory, with how far the data reach."""
    measured = [
        row for row in rows if row.method == method and row.tokens_per_second is not None and row.same_job != "no"
    ]
    if not measured:
        return f"{method}: no framework gave a figure for the same job."
    fastest = max(measured, key=lambda row: row.tokens_per_second or 0)
    lightest = min(measured, key=lambda row: row.peak_memory_bytes or float("inf"))
    ratio = ""
    if fastest.framework != BASELINE and fastest.ratio_to_baseline is not None:
        ratio = f", {units.ratio(fastest.ratio_to_baseline)} {BASELINE}"
    text = (
        f"{method}: highest median throughput {fastest.framework} "
        f"({units.rate(fastest.tokens_per_second)} tokens/s{ratio}), lowest peak memory {lightest.framework} "
        f"({units.gibibytes(lightest.peak_memory_bytes)})."
    )
    spreads = [row.spread for row in measured if row.spread is not None]
    if spreads:
        text += f" Processes of one framework differ by up to {max(spreads):.0%} in throughput."
    return text


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
    values = [cell[column] for cell in cells if cell["outcome"] == "ok" and cell[column] is not None]
    return median(values) if values else None
