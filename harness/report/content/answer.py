"""Rows -> the answer: who trains fastest, who needs the least memory, and how far to trust it, in a few sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.compare_frameworks import Measured, Row
from harness.analysis.leaders import Leader, Quantity, leader
from harness.audit.verdict import PROVEN
from harness.job.experiment import Track, section
from harness.job.frameworks import BASELINE, CEILING
from harness.records.cell_record import CellRecord
from harness.records.run_record import RunRecord
from harness.report.content.titles import framework_title, method_title
from harness.text import units
from harness.text.language import ENGLISH, Language


@dataclass(frozen=True, kw_only=True, slots=True)
class Linked:
    """A piece of text; `to` names the part of the report that it leads to."""

    text: str
    to: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a reader wants first."""

    sentences: tuple[str, ...]
    trust: tuple[Linked, ...]
    """One line: how far to trust the sentences."""
    about: str = ""
    """The run, in a report of several."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranked:
    """A quantity that the answer is about, and its sentences."""

    quantity: Quantity
    show: Callable[[float], str]
    one_leads: str
    one_is_better: str
    some_are_better: str
    baseline_leads: str
    nobody_is_better: str
    too_few: str
    no_baseline: str


SPEED = Ranked(
    quantity="tokens_per_second",
    show=lambda value: f"{units.three(value)} tokens/s",
    one_leads="{framework} trains fastest: {figures}.",
    one_is_better="{framework} trains faster than {baseline} with {method}: {figure}. "
    "Which framework is fastest is not shown.",
    some_are_better="{frameworks} train faster than {baseline} with {method}. Which of them is fastest is not shown.",
    baseline_leads="{baseline} itself trains fastest with {methods}.",
    nobody_is_better="No framework is shown to train faster than {baseline} with {methods}.",
    too_few="There are too few processes for a verdict on speed. The highest figures so far: {figures}.",
    no_baseline="Without {baseline} in the run there is no ratio of speeds. The highest figures: {figures}.",
)
MEMORY = Ranked(
    quantity="peak_memory_bytes",
    show=units.gibibytes,
    one_leads="{framework} needs the least memory: {figures}.",
    one_is_better="{framework} needs less memory than {baseline} with {method}: {figure}. "
    "Which framework needs the least is not shown.",
    some_are_better="{frameworks} need less memory than {baseline} with {method}. "
    "Which of them needs the least is not shown.",
    baseline_leads="{baseline} itself needs the least memory with {methods}.",
    nobody_is_better="No framework is shown to need less memory than {baseline} with {methods}.",
    too_few="There are too few processes for a verdict on memory. The lowest figures so far: {figures}.",
    no_baseline="Without {baseline} in the run there is no ratio of memory. The lowest figures: {figures}.",
)
TUNED = "Tuned as each framework advises: {sentence}"
NOT_SHOWN = "{frameworks} are not shown to differ from {baseline} in speed."
ONE_NOT_SHOWN = "{frameworks} is not shown to differ from {baseline} in speed."
A_CPU = "This was a CPU: it ranks no framework for a GPU."
A_CPU_WITHOUT_TRITON = (
    "This was a CPU: it ranks no framework for a GPU. "
    "Unsloth ran without its Triton kernels, so this is no test of them."
)
MAY_BE_CHANCE = (
    "{framework}'s {ratio} times with {method} may be chance, since {count} frameworks were compared at once."
)
NOTHING = "No framework gave a figure for the same job."
FIRST_RATIO = "{ratio} times {baseline} with {method} (95%: {low} to {high})"
RATIO = "{ratio} times with {method} ({low} to {high})"
FIGURE_ALONE = "{figure} with {method}"
FIRST_RATIO_ALONE = "{ratio} times {baseline} with {method}"
RATIO_ALONE = "{ratio} times with {method}"
BETTER_RATIO = "{ratio} times, 95%: {low} to {high}"
MOST_NAMED = 2
"""Deviating rows that are named; more are counted."""
THE_SAME_JOB, CAUTIONS = "The same job", "Cautions"
"""Titles of the parts that prove the answer and that limit it."""


def answer(
    rows: Sequence[Row], records: Sequence[CellRecord], run: RunRecord, cautions: int, language: Language = ENGLISH
) -> Answer:
    """Return the answer of one run. `cautions`: how many its report has."""
    sentences = [*_sentences(rows, records, run, language)] or [language.say(NOTHING)]
    if run.experiment.device == "cpu":
        has_unsloth = any(row.framework == "unsloth" and row.n for row in rows)
        sentences.append(language.say(A_CPU_WITHOUT_TRITON if has_unsloth else A_CPU))
    else:
        sentences += _not_shown(rows, language)
    return Answer(sentences=tuple(sentences), trust=tuple(_trust(rows, cautions, language)))


def _sentences(rows: Sequence[Row], records: Sequence[CellRecord], run: RunRecord, language: Language) -> Iterator[str]:
    """Yield speed and memory for each track and set of conditions."""
    for track in run.experiment.tracks:
        for conditions in sorted({row.key.conditions for row in rows}):
            matching = [row for row in rows if row.key.conditions == conditions]
            for ranked in (SPEED, MEMORY):
                found = " ".join(_on(ranked, matching, records, _sections(run, track), language))
                if found and track == "tuned":
                    found = language.say(TUNED, sentence=found)
                if found:
                    yield f"[{conditions}] {found}" if conditions else found


def _sections(run: RunRecord, track: Track) -> list[str]:
    return [section(method, track) for method in run.experiment.jobs]


def _on(
    ranked: Ranked, rows: Sequence[Row], records: Sequence[CellRecord], sections: Sequence[str], language: Language
) -> Iterator[str]:
    """Yield the sentences about one quantity: methods with the same ending share one."""
    leaders = [
        found
        for name in sections
        if (found := leader([row for row in rows if row.section == name], records, ranked.quantity))
    ]
    of_all = {"baseline": BASELINE}
    by_framework: dict[str, list[Leader]] = {}
    for one in leaders:
        if one.shown == "one leads":
            by_framework.setdefault(one.figures[0][0], []).append(one)
    for index, (framework, led) in enumerate(by_framework.items()):
        figures = [_ratio(one, language, first=not index and one is led[0]) for one in led]
        yield language.say(ranked.one_leads, framework=framework_title(framework), figures=language.listed(figures))
    for one in leaders:
        if one.shown == "some are better":
            yield _better(one, ranked, language)
    for shown, text in (("the baseline leads", ranked.baseline_leads), ("nobody is better", ranked.nobody_is_better)):
        if methods := [method_title(one.section, language) for one in leaders if one.shown == shown]:
            any_of = shown == "nobody is better"
            yield language.say(text, **of_all, methods=language.listed(methods, any_of=any_of))
    for one in leaders:
        if one.shown == "nobody is better" and _looks_better(one, ranked):
            (name, figure), *_ = one.figures
            count = sum(row.section == one.section and row.framework not in (BASELINE, CEILING) for row in rows)
            gaps = {"ratio": _gaps(figure)["ratio"], "method": method_title(one.section, language), "count": str(count)}
            yield language.say(MAY_BE_CHANCE, framework=framework_title(name), **gaps)
    for shown, text in (("too few", ranked.too_few), ("no baseline", ranked.no_baseline)):
        if unsure := [one for one in leaders if one.shown == shown]:
            yield language.say(text, **of_all, figures=_highest(unsure, ranked, language))


def _looks_better(one: Leader, ranked: Ranked) -> bool:
    """True if the best figure's interval excludes 1 although nothing is shown: a reader would see a contradiction."""
    (_, figure), *_ = one.figures
    if figure.comparison is None:
        return False
    low, high = figure.comparison.ratio.low, figure.comparison.ratio.high
    return low is not None and high is not None and (low > 1 if ranked is SPEED else high < 1)


def _better(one: Leader, ranked: Ranked, language: Language) -> str:
    """Say who is better than the baseline where no leader is shown."""
    method = method_title(one.section, language)
    figures = [(framework_title(name), language.say(BETTER_RATIO, **_gaps(figure))) for name, figure in one.figures]
    if len(figures) == 1:
        ((framework, figure),) = figures
        return language.say(ranked.one_is_better, framework=framework, baseline=BASELINE, method=method, figure=figure)
    frameworks = language.listed([f"{framework} ({figure})" for framework, figure in figures])
    return language.say(ranked.some_are_better, frameworks=frameworks, baseline=BASELINE, method=method)


def _ratio(one: Leader, language: Language, *, first: bool) -> str:
    (_, figure), *_ = one.figures
    gaps = {**_gaps(figure), "method": method_title(one.section, language), "baseline": BASELINE}
    return language.say(FIRST_RATIO if first else RATIO, **gaps)


def _highest(leaders: Sequence[Leader], ranked: Ranked, language: Language) -> str:
    """Return the best figures of sections in which no verdict is possible, by framework."""
    by_framework: dict[str, list[str]] = {}
    for one in leaders:
        (name, figure), *_ = one.figures
        gaps = {"method": method_title(one.section, language), "baseline": BASELINE}
        if figure.comparison is None:
            text = language.say(FIGURE_ALONE, figure=ranked.show(figure.estimate.value), **gaps)
        else:
            ratio = f"{figure.comparison.ratio.value:.2f}"
            text = language.say(RATIO_ALONE if by_framework else FIRST_RATIO_ALONE, ratio=ratio, **gaps)
        by_framework.setdefault(name, []).append(text)
    return "; ".join(f"{framework_title(name)} {language.listed(texts)}" for name, texts in by_framework.items())


def _gaps(figure: Measured) -> dict[str, str]:
    assert figure.comparison is not None
    ratio = figure.comparison.ratio
    assert ratio.low is not None and ratio.high is not None
    return {"ratio": f"{ratio.value:.2f}", "low": f"{ratio.low:.2f}", "high": f"{ratio.high:.2f}"}


def _not_shown(rows: Sequence[Row], language: Language) -> Iterator[str]:
    """Yield who is not shown to differ from the baseline in speed, in any section; nothing if nobody differs."""
    words: dict[str, set[str]] = {}
    for row in rows:
        if row.tokens_per_second is not None and row.tokens_per_second.comparison is not None:
            words.setdefault(row.framework, set()).add(row.tokens_per_second.comparison.word)
    alike = [framework_title(name) for name, found in words.items() if found <= {"no difference shown", "equivalent"}]
    if alike and len(alike) < len(words):
        text = NOT_SHOWN if len(alike) > 1 else ONE_NOT_SHOWN
        yield language.say(text, frameworks=language.listed(alike), baseline=BASELINE)


def _trust(rows: Sequence[Row], cautions: int, language: Language) -> Iterator[Linked]:
    """Yield how many rows were the same job, over how many processes, and how many cautions there are."""
    counted = [row for row in rows if row.framework != CEILING]
    same = [row for row in counted if row.same_job in PROVEN]
    processes = sorted({row.n for row in counted}) or [0]
    n = str(processes[0]) if len(processes) == 1 else f"{processes[0]} to {processes[-1]}"
    yield Linked(text=language.say("How far to trust it: "))
    job = language.say("the same job in {same} of {all} rows", same=str(len(same)), all=str(len(counted)))
    yield Linked(text=job, to=THE_SAME_JOB)
    if deviating := [row for row in same if row.same_job == "with deviations"]:
        names = [
            language.say("{framework} with {method}", framework=framework_title(row.framework), method=title)
            for row in deviating[:MOST_NAMED]
            for title in [method_title(row.section, language)]
        ]
        who = language.listed(names) if len(deviating) <= MOST_NAMED else str(len(deviating))
        yield Linked(text=language.say(" ({who}: with a declared deviation)", who=who))
    yield Linked(text=language.say("; {n} fresh processes each, 95% intervals; ", n=n))
    one = language.say("1 caution") if cautions == 1 else language.say("{count} cautions", count=str(cautions))
    yield Linked(text=one, to=CAUTIONS if cautions else "")
    yield Linked(text=language.say("."))
