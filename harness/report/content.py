"""A recorded run -> everything that its report says, in the order in which it says it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from harness.capacity.record import SearchFile
from harness.cautions import cautions_of
from harness.claims.verify import judgements
from harness.comparison import Row, rows_of, smallest_effect_of
from harness.experiment import Experiment, section_of
from harness.locations import without_machine_paths
from harness.probe.record import ProbeFile
from harness.record import RunFolder
from harness.report import audits, capabilities, capacity, claims, limits, matrix, phases, units
from harness.report.answer import answers
from harness.report.blocks import (
    Block,
    Bullets,
    Code,
    Folded,
    Paragraph,
    Picture,
    Report,
    Section,
    Subheading,
    Table,
)
from harness.report.figures.figures import figures_of
from harness.report.table import (
    CPU_HEADINGS,
    HEADINGS,
    cells_of,
    conditions_text,
    cpu_cells_of,
    footnotes,
    loss_agreement,
    noise_floor_text,
)
from harness.results import CheckedRun, read_checked
from harness.rubric.facts import gather_facts
from harness.rubric.matrix import rate
from harness.rubric.prices import price_of
from harness.rubric.projection import project
from harness.rubric.recommend import recommend
from harness.rubric.rules import read_rubric


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """A run as its report needs it."""

    checked: CheckedRun
    experiment: Experiment
    rows: Sequence[Row]

    @property
    def folder(self) -> RunFolder:
        """Of the run."""
        return self.checked.folder

    @property
    def run(self) -> Mapping[str, Any]:
        """What run.json says."""
        return self.checked.run

    @property
    def records(self) -> Sequence[Mapping[str, Any]]:
        """Its cells."""
        return self.checked.cells


def report_of(folder: RunFolder, *, drawn: bool) -> Report:
    """The same results give the same report. `drawn`: whether it has figures. Raises RunFolderError."""
    checked = read_checked(folder)
    run = checked.run
    recorded = Recorded(
        checked=checked, experiment=Experiment.from_dict(run["experiment"]), rows=rows_of(checked.cells, run)
    )
    parts = (
        ("Matrix", _matrix(recorded)),
        ("Read this first", _cautions(recorded)),
        ("Figures", _figures(recorded) if drawn else ()),
        ("What was tuned", _tuned(recorded)),
        ("The same job", _same_job(recorded)),
        ("Cells that count for nothing", _not_ok(recorded)),
        ("Claims", _claims(recorded)),
        ("Stars, and what follows for whom", _rating(recorded)),
        ("What each can do", _capabilities(recorded)),
        ("How long, how many at once", _capacity(recorded)),
        ("Where the time goes", _phases(recorded)),
        ("Against the limits of the machine", _limits(recorded)),
        ("Conditions", _conditions(recorded)),
        ("Versions", _versions(recorded)),
        ("Native configs", _native_configs(recorded)),
        ("Reproduce", [Code(text=without_machine_paths(str(run.get("command", ""))))]),
    )
    sections = [Section(title=title, blocks=tuple(blocks)) for title, blocks in parts]
    return Report(
        title=str(run["name"]),
        answers=answers(recorded.rows, run),
        sections=[section for section in sections if section.blocks],
    )


def _matrix(of: Recorded) -> Iterator[Block]:
    host = of.run["host"]
    on = host["gpu"] or f"{host['cpu']}, {of.run['omp_num_threads']} threads"
    job = next(iter(of.experiment.jobs.values()))
    yield Paragraph(
        text=f"On {on}. Sequence length {job.sequence_length}, micro batch {job.micro_batch_size}, accumulation "
        f"{job.gradient_accumulation_steps}, {job.precision}, {job.max_steps} optimizer steps. A row is over n fresh "
        "processes: tokens/s is the median of their medians over the steps after the warm-up. In brackets: 95% "
        "intervals over processes. A ratio is over the rounds that both sides ran.",
        see="statistics",
    )
    for section in of.experiment.sections:
        own = [row for row in of.rows if row.section == section]
        yield Subheading(text=section)
        yield Table(headings=HEADINGS, rows=[cells_of(row) for row in own])
        if of.experiment.device == "cpu":
            yield Table(headings=CPU_HEADINGS, rows=[cpu_cells_of(row) for row in own])
        if mixed := conditions_text(of.records, section):
            yield Paragraph(text=mixed)
        if floor := noise_floor_text(of.records, section, smallest_effect_of(of.run)):
            yield Paragraph(text=floor)
        for text in footnotes(own, section):
            yield Paragraph(text=text)


def _cautions(of: Recorded) -> Iterator[Block]:
    if found := cautions_of(of.run, of.records):
        yield Bullets(items=[caution.value for caution in found])


def _figures(of: Recorded) -> Iterator[Block]:
    for figure in figures_of(of.checked, of.rows):
        yield Subheading(text=figure.title)
        yield Picture(figure=figure)


def _tuned(of: Recorded) -> Iterator[Block]:
    if "tuned" in of.experiment.tracks:
        yield Paragraph(
            text="The same model, data, method and tokens per optimizer step as in the parity track; all else as each "
            "framework's own documentation advises it. A tuned row is compared with tuned rows alone."
        )
        rows = [
            (framework, method, advice)
            for framework, tunings in of.experiment.tunings.items()
            for method, tuning in tunings.items()
            for advice in tuning.advice or ("none of its advice applies here: as in the parity track",)
        ]
        yield Table(headings=("framework", "method", "advice (source)"), rows=rows)


def _same_job(of: Recorded) -> Iterator[Block]:
    verdicts = audits.ordered(of.checked.verdicts)
    if verdicts:
        yield Paragraph(
            text="Each framework trained the job once before hooks on its live model and optimizer, in a process that "
            "is not timed. What they saw is held against the job and a plain PyTorch loop. Loss and gradient norm: "
            "largest relative difference from that loop at any step.",
            see="audit",
        )
        yield Table(headings=audits.HEADINGS, rows=[audits.audit_cells(verdict) for verdict in verdicts])
    for verdict in verdicts:
        if verdict["findings"]:
            rows = [audits.finding_cells(finding) for finding in verdict["findings"]]
            yield Folded(
                title=f"{verdict['framework']}, {section_of(verdict)}: asked and got",
                blocks=(
                    Paragraph(text=f"Tolerance: {verdict['tolerance']}."),
                    Table(headings=audits.FINDING_HEADINGS, rows=rows),
                ),
            )
    agreements = [loss_agreement(of.rows, section) for section in of.experiment.sections]
    yield Bullets(items=[*filter(None, agreements), *_inputs(of)])


def _inputs(of: Recorded) -> Iterator[str]:
    for method, inputs in of.run["inputs"].items():
        adapter = f", initial adapter {inputs['adapter_sha256'][:12]}" if inputs["adapter_sha256"] else ""
        yield (
            f"{method}: token blocks {inputs['blocks_sha256'][:12]}, weights {inputs['model_sha256'][:12]}{adapter} "
            "(sha256); every framework read these."
        )


def _not_ok(of: Recorded) -> Iterator[Block]:
    failed = [(cell["cell"], cell["outcome"], cell["reason"]) for cell in of.records if cell["outcome"] != "ok"]
    other = [
        (cell["cell"], "not the same job", cell["why_not_same_job"])
        for cell in of.records
        if cell["outcome"] == "ok" and cell["same_job"] == "no"
    ]
    if failed or other:
        yield Table(headings=("cell", "outcome", "reason"), rows=[*failed, *other])


def _claims(of: Recorded) -> Iterator[Block]:
    text = "What is published about these frameworks, held against this run alone."
    yield Paragraph(text=text, see="claims")
    yield from claims.blocks(judgements([of.checked]))


def _rating(of: Recorded) -> Iterator[Block]:
    rubric = read_rubric()
    ratings = rate(rubric, gather_facts(of.checked))
    found = recommend(rubric, ratings)
    on = of.run["host"]["gpu"] or of.run["host"]["cpu"]
    yield Paragraph(text=matrix.old_recommendation(rubric, found, on))
    yield Table(headings=matrix.RECOMMENDATION_HEADINGS, rows=matrix.recommendation_rows(rubric, found))
    yield Table(headings=matrix.MATRIX_HEADINGS, rows=matrix.matrix_rows(rubric, ratings))
    yield Paragraph(text=matrix.rule_text(rubric), see="rubric")
    measures = Table(headings=matrix.MEASURE_HEADINGS, rows=matrix.measure_rows(rubric, ratings))
    yield Folded(title="What each star follows from", blocks=(measures,))
    yield Bullets(items=matrix.differences(rubric, ratings))
    price = price_of(of.run["host"]["gpu"])
    if projected := project(of.records, "qlora", price):
        job = of.experiment.jobs["qlora"]
        yield Subheading(text="10 and 20 billion tokens by QLoRA")
        yield Paragraph(text=matrix.projection_text(of.run, job, price))
        rows = matrix.projection_rows(projected, of.run, job, price)
        yield Table(headings=matrix.PROJECTION_HEADINGS, rows=rows)


def _capabilities(of: Recorded) -> Iterator[Block]:
    if probes := ProbeFile(of.folder.path).read():
        device = "a GPU" if probes[0].device == "cuda" else "a CPU"
        yield Paragraph(text=f"On {device}. {capabilities.EXPLANATION}", see="capabilities")
        yield Table(headings=capabilities.headings(probes), rows=capabilities.capability_rows(probes))
        details = Table(headings=capabilities.DETAIL_HEADINGS, rows=capabilities.detail_rows(probes))
        yield Folded(title="What showed each ending", blocks=(details,))


def _capacity(of: Recorded) -> Iterator[Block]:
    if searches := SearchFile(of.folder.path).read():
        yield Paragraph(text=capacity.EXPLANATION)
        yield Table(headings=capacity.HEADINGS, rows=capacity.capacity_rows(searches))


def _phases(of: Recorded) -> Iterator[Block]:
    yield Paragraph(
        text="Medians over processes. Start and import: of a fresh interpreter, once a run, while others import too. "
        "End to end: from that start to the end of the last step, for a job of this length."
    )
    for section in of.experiment.sections:
        yield Subheading(text=section)
        yield Table(headings=phases.HEADINGS, rows=phases.phase_rows(of.records, section))


def _limits(of: Recorded) -> Iterator[Block]:
    yield Paragraph(text=f"{limits.ceilings_text(of.run)} {limits.FLOOR_TEXT}", see="method")
    for section in of.experiment.sections:
        headings, rows = limits.limit_table(of.records, section)
        yield Subheading(text=section)
        yield Table(headings=headings, rows=rows)


def _conditions(of: Recorded) -> Iterator[Block]:
    run, host, experiment = of.run, of.run["host"], of.experiment
    inputs: Mapping[str, Any] = next(iter(run["inputs"].values()), {})
    pairs: list[tuple[str, object]] = [
        ("recipe, profile", f"{experiment.recipe}, {experiment.profile}"),
        ("model", inputs.get("model_source")),
        ("tokenizer", inputs.get("tokenizer_source")),
        ("text", inputs.get("dataset_source")),
        ("CPU", f"{host['cpu']}, {host['cpu_threads']} threads usable"),
        ("GPU", f"{host['gpu']} (driver {host['gpu_driver']})" if host["gpu"] else "none"),
        ("memory", units.gibibytes(host["memory_bytes"])),
        ("system", f"{host['system']}, {host['machine']}"),
        ("OMP_NUM_THREADS", run["omp_num_threads"]),
        ("start", _start(run["start"])),
        ("repeats, seed of the order", f"{experiment.repeats}, {experiment.seed}"),
        ("run on", run["created"]),
        ("harness", f"{run['harness_version']}, commit {run['source_commit'] or 'unknown'}"),
    ]
    yield Table(headings=("condition", "value"), rows=[(name, str(value)) for name, value in pairs])
    first = next(iter(run["experiment"]["jobs"].values()))
    knobs = [
        (key, without_machine_paths(json.dumps(value)))
        for key, value in first.items()
        if key not in {"method", "shape"}
    ]
    knobs += [(f"shape.{key}", json.dumps(value)) for key, value in first["shape"].items()]
    yield Folded(title="Every knob of the job", blocks=(Table(headings=("knob", "value"), rows=knobs),))


def _start(start: str | None) -> str:
    if start == "warm":
        return "warm: a fresh process per cell, forked from one that has imported the framework"
    return "cold: a new interpreter per cell"


def _versions(of: Recorded) -> Iterator[Block]:
    told = {name: facts.get("versions", {}) for name, facts in of.run["frameworks"].items()}
    packages = sorted({package for versions in told.values() for package in versions})
    rows = [(package, *(told[name].get(package, units.NOTHING) for name in told)) for package in packages]
    importing = (str(of.run["frameworks"][name].get("import_seconds", units.NOTHING)) for name in told)
    rows.append(("seconds to import, others doing so too", *importing))
    yield Table(headings=("package", *told), rows=rows)


def _native_configs(of: Recorded) -> Iterator[Block]:
    shown: set[tuple[str, str]] = set()
    for cell in _in_order(of.records):
        key = cell["framework"], section_of(cell)
        config = of.folder.read_native_config(cell["cell"])
        if key in shown or config is None:
            continue
        shown.add(key)
        options = yaml.safe_dump(config["options"], sort_keys=False, width=110).rstrip()
        yield Folded(
            title=f"{key[0]}, {key[1]}", blocks=(Code(text=config["command"]), Code(text=options, language="yaml"))
        )


def _in_order(records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(records, key=lambda cell: (section_of(cell), cell["framework"], cell["repeat"]))
