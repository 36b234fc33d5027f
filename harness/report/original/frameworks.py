"""Sections 1 to 4: one framework each, as the old report divides them, in our own words and figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.analysis.compare_frameworks import Measured, Row
from harness.analysis.significance import Word
from harness.job.capabilities import INSTALLATION, title_of
from harness.job.frameworks import BASELINE
from harness.records.probes import ProbeRecord
from harness.report.content.comparison_notes import remarks_of
from harness.report.content.comparison_words import MEMORY_WORDS, SPEED_WORDS, word_of
from harness.report.content.titles import method_title
from harness.report.original.statements import statements
from harness.report.parts.blocks import Block, Bullets, Code, Folded, Paragraph, Subheading, Table
from harness.report.parts.conditions import config_blocks
from harness.report.parts.recorded import ReportedRun
from harness.studies.claims.judge import Judgement
from harness.text import units
from harness.text.language import Language

WHAT_IT_IS = {
    "unsloth": "Unsloth replaces parts of transformers with its own Triton kernels, and is used from Python.",
    "axolotl": "Axolotl trains from one YAML file. It builds on transformers, PEFT and Accelerate.",
    "torchtune": "torchtune is a library of plain PyTorch recipes with YAML configs. Its development has ended.",
    "llamafactory": "LLaMA-Factory trains from a web UI or a command line. It builds on transformers, PEFT and TRL.",
}
STRENGTHS, METHODS, EXAMPLE, PERFORMANCE, LIMITS, INSTALL = (
    "Strengths",
    "Methods",
    "Usage example",
    "Performance",
    "Limits",
    "Installation",
)
STATEMENTS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "unsloth": {
        STRENGTHS: ("R1.3", "R1.4"),
        METHODS: ("R1.5", "R1.11"),
        EXAMPLE: ("R8.1",),
        PERFORMANCE: ("R1.1", "R1.2", "R1.6", "R1.7", "R1.8", "R1.9"),
        LIMITS: ("R1.10", "R1.12"),
        INSTALL: ("R8.5",),
    },
    "axolotl": {METHODS: ("R2.2",), EXAMPLE: ("R8.2",), PERFORMANCE: ("R2.1",)},
    "torchtune": {STRENGTHS: ("R3.3",), EXAMPLE: ("R8.3",), PERFORMANCE: ("R3.1", "R3.2")},
    "llamafactory": {STRENGTHS: ("R4.1",), EXAMPLE: ("R8.4",)},
}
"""The statements of the old report by framework and part."""
FIGURE_HEADINGS = (
    "machine",
    "method",
    "speed, times {baseline}",
    "verdict",
    "memory, times {baseline}",
    "verdict",
    "n",
)


def framework_blocks(
    framework: str, runs: Sequence[ReportedRun], judged: Mapping[str, Judgement], language: Language
) -> Iterator[Block]:
    """Yield one framework's section."""
    say = language.say
    yield Paragraph(text=say(WHAT_IT_IS[framework]))
    made = {
        STRENGTHS: _strengths,
        METHODS: _methods,
        EXAMPLE: _example,
        PERFORMANCE: _performance,
        LIMITS: _limits,
        INSTALL: _installation,
    }
    for part, blocks in made.items():
        yield Subheading(text=say(part))
        if said := [judged[name] for name in STATEMENTS[framework].get(part, ()) if name in judged]:
            yield statements(said, language)
        yield from blocks(framework, runs, language)


def _probes(framework: str, runs: Sequence[ReportedRun]) -> list[ProbeRecord]:
    return [probe for run in runs for probe in run.checked.probes if probe.framework == framework]


def _strengths(framework: str, runs: Sequence[ReportedRun], language: Language) -> Iterator[Block]:
    """Yield where it is shown to be better than the baseline."""
    better = [
        language.say(text, method=method_title(row.section, language), machine=run.machine, ratio=f"{ratio:.2f}")
        for run in runs
        for row in run.rows
        if row.framework == framework and row.same_job != "no"
        for text, ratio in _better(row)
    ]
    yield Bullets(items=better or [language.say("It is not shown to be better than plain transformers in these runs.")])


def _better(row: Row) -> Iterator[tuple[str, float]]:
    for figure, better, text in (
        (row.tokens_per_second, "more", "faster with {method} on {machine}: {ratio} times plain transformers"),
        (row.peak_memory_bytes, "less", "less memory with {method} on {machine}: {ratio} times plain transformers"),
    ):
        if figure is not None and figure.comparison is not None and figure.comparison.word == better:
            yield text, figure.comparison.ratio.value


def _methods(framework: str, runs: Sequence[ReportedRun], language: Language) -> Iterator[Block]:
    """Yield what was really tried, by how it ended."""
    by_ending: dict[str, list[str]] = {}
    for probe in _probes(framework, runs):
        if probe.capability not in ("survey", INSTALLATION) and not probe.capability.startswith("example_"):
            by_ending.setdefault(probe.ending, []).append(language.say(title_of(probe.capability)))
    if by_ending:
        yield Paragraph(text=language.say("Each was tried in a short job of its own, by how it ended:"))
        yield Bullets(items=[f"{language.say(ending)}: {', '.join(names)}" for ending, names in by_ending.items()])


def _example(framework: str, runs: Sequence[ReportedRun], language: Language) -> Iterator[Block]:
    """Yield the job in the framework's own config, as a run recorded it."""
    yield Paragraph(text=language.say("The job of this comparison in its own config, with the command that runs it:"))
    yield Code(text=f"harness show --framework {framework} --method qlora")
    for run in runs:
        for cell in run.cells:
            if (cell.framework, cell.method) == (framework, "qlora") and cell.outcome == "ok":
                if (config := run.checked.folder.read_native_config(cell.cell)) is None:
                    continue
                yield Folded(
                    title=language.say("As it ran on {machine}", machine=run.machine), blocks=config_blocks(config)
                )
                return


def _performance(framework: str, runs: Sequence[ReportedRun], language: Language) -> Iterator[Block]:
    """Yield its ratios to the baseline in every run."""
    rows = [
        (
            run.machine,
            method_title(row.section, language),
            *_ratio(row.tokens_per_second, SPEED_WORDS, language),
            *_ratio(row.peak_memory_bytes, MEMORY_WORDS, language),
            str(row.n),
        )
        for run in runs
        for row in run.rows
        if row.framework == framework and row.n
    ]
    headings = [language.say(heading, baseline=BASELINE) for heading in FIGURE_HEADINGS]
    yield Table(headings=headings, rows=rows)


def _ratio(measured: Measured | None, words: Mapping[Word, str], language: Language) -> tuple[str, str]:
    """Return a ratio with its interval, and what it shows."""
    if measured is None or measured.comparison is None:
        return units.NOTHING, units.NOTHING
    ratio = measured.comparison.ratio
    interval = "" if ratio.low is None or ratio.high is None else f" ({ratio.low:.2f}–{ratio.high:.2f})"
    return f"{ratio.value:.2f}{interval}", language.say(word_of(measured, words))


def _limits(framework: str, runs: Sequence[ReportedRun], language: Language) -> Iterator[Block]:
    """Yield what the runs noted about it, and what it refused."""
    notes = dict.fromkeys(
        text for run in runs for row in run.rows if row.framework == framework for text in remarks_of(row)
    )
    yield Bullets(items=[language.say(note) for note in notes] or [language.say("The runs noted nothing.")])


def _installation(framework: str, runs: Sequence[ReportedRun], language: Language) -> Iterator[Block]:
    """Yield its version, and what installing it anew took."""
    versions = dict.fromkeys(row.key.version for run in runs for row in run.rows if row.framework == framework)
    items = [language.say("version measured: {versions}", versions=", ".join(filter(None, versions)))]
    figures = {name: value for probe in _probes(framework, runs) for name, value in (probe.figures or {}).items()}
    if (seconds := figures.get("install_seconds")) is not None:
        items.append(language.say("installed in {seconds} s from downloaded packages", seconds=f"{seconds:.0f}"))
    if (size := figures.get("installed_bytes")) is not None:
        items.append(language.say("{size} GB on disk", size=f"{size / 1e9:.1f}"))
    yield Bullets(items=items)
    yield Code(text=f"harness setup --frameworks {framework}")
