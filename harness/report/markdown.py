"""reports/<run>.md: the answer, the matrix, the losses, the conditions, the versions, each native config."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

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
from harness.report.figures.figures import THEMES, Figure, figures_of, file_of
from harness.report.markdown_table import inline, table
from harness.report.table import (
    CPU_HEADINGS,
    HEADINGS,
    answer,
    cells_of,
    conditions_text,
    cpu_cells_of,
    footnotes,
    loss_agreement,
    noise_floor_text,
)
from harness.results import read_cells
from harness.rubric.facts import gather_facts
from harness.rubric.matrix import rate
from harness.rubric.projection import project
from harness.rubric.recommend import recommend
from harness.rubric.rules import read_rubric


def render_report(folder: RunFolder, *, drawn: bool) -> str:
    """The report of a recorded run; the same results give the same text. `drawn`: whether its figures lie beside it."""
    run, records = folder.read_run(), read_cells(folder)
    rows = rows_of(records, run)
    experiment = Experiment.from_dict(run["experiment"])
    parts = experiment.sections
    sections = [
        [f"# {run['name']}", "", *(f"- {answer(rows, section)}" for section in parts)],
        ["## Matrix", "", _measured_on(run), "", *_matrices(run, records, rows, parts)],
        ["## Read this first", "", *(f"- {caution.value}" for caution in cautions_of(run, records))],
        _figures(figures_of(folder, run, records, rows), folder.path.resolve().name) if drawn else [],
        _tuned(experiment),
        ["## The same job", "", *_same_job(folder, run, rows, parts)],
        _not_ok(records),
        _claims(folder),
        _rating(folder, run, records),
        _capabilities(folder),
        _capacity(folder),
        ["## Where the time goes", "", *_phases(records, parts)],
        ["## Against the limits of the machine", "", *_limits(run, records, parts)],
        ["## Conditions", "", *_conditions(run)],
        ["## Versions", "", *_versions(run)],
        ["## Native configs", "", *_native_configs(folder, records)],
        ["## Reproduce", "", *_reproduce(run)],
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _measured_on(run: Mapping[str, Any]) -> str:
    host = run["host"]
    on = host["gpu"] or f"{host['cpu']}, {run['omp_num_threads']} threads"
    job = next(iter(run["experiment"]["jobs"].values()))
    return (
        f"On {on}. Sequence length {job['sequence_length']}, micro batch {job['micro_batch_size']}, accumulation "
        f"{job['gradient_accumulation_steps']}, {job['precision']}, {job['max_steps']} optimizer steps. A row is over "
        "n fresh processes: tokens/s is the median of their medians over the steps after the warm-up. In brackets: 95% "
        "intervals over processes. A ratio is over the rounds that both sides ran. Words: "
        "[statistics](../docs/statistics.md)."
    )


def _matrices(
    run: Mapping[str, Any], records: Sequence[Mapping[str, Any]], rows: Sequence[Row], sections: Sequence[str]
) -> list[str]:
    lines: list[str] = []
    for section in sections:
        lines += [
            f"### {section}",
            "",
            *table(HEADINGS, [cells_of(row) for row in rows if row.section == section]),
            "",
        ]
        if run["experiment"]["device"] == "cpu":
            lines += [*table(CPU_HEADINGS, [cpu_cells_of(row) for row in rows if row.section == section]), ""]
        if mixed := conditions_text(records, section):
            lines += [mixed, ""]
        if floor := noise_floor_text(records, section, smallest_effect_of(run)):
            lines += [floor, ""]
        if starred := footnotes(rows, section):
            lines += [*(f"{inline(text).replace('*', chr(92) + '*', 1)}  " for text in starred), ""]
    return lines[:-1]


def _figures(figures: Sequence[Figure], place: str) -> list[str]:
    if not figures:
        return []
    lines = ["## Figures", ""]
    for figure in figures:
        light, dark = (f"{quote(place)}/{file_of(figure, theme)}" for theme in THEMES)
        lines += [
            f"### {figure.title}",
            "",
            f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
            f'<img alt="{figure.title}" src="{light}"></picture>',
            "",
            figure.caption,
            "",
        ]
    return lines[:-1]


def _tuned(experiment: Experiment) -> list[str]:
    if "tuned" not in experiment.tracks:
        return []
    rows = [
        (framework, method, advice)
        for framework, tunings in experiment.tunings.items()
        for method, tuning in tunings.items()
        for advice in tuning.advice or ("none of its advice applies here: as in the parity track",)
    ]
    return [
        "## What was tuned",
        "",
        "The same model, data, method and tokens per optimizer step as in the parity track; all else as each "
        "framework's own documentation advises it. A tuned row is compared with tuned rows alone.",
        "",
        *table(("framework", "method", "advice (source)"), rows),
    ]


def _same_job(folder: RunFolder, run: Mapping[str, Any], rows: Sequence[Row], sections: Sequence[str]) -> list[str]:
    verdicts = audits.ordered(folder.read_audits())
    lines: list[str] = []
    if verdicts:
        lines += [
            "Each framework trained the job once before hooks on its live model and optimizer, in a process that is "
            "not timed. What they saw is held against the job and a plain PyTorch loop. Loss and gradient norm: "
            "largest relative difference from that loop at any step. How: [audit](../docs/audit.md).",
            "",
            *table(audits.HEADINGS, [audits.audit_cells(verdict) for verdict in verdicts]),
            "",
        ]
        for verdict in verdicts:
            findings = [audits.finding_cells(finding) for finding in verdict["findings"]]
            if findings:
                lines += [
                    f"<details><summary>{verdict['framework']}, {section_of(verdict)}: asked and got</summary>",
                    "",
                    f"Tolerance: {verdict['tolerance']}.",
                    "",
                    *table(audits.FINDING_HEADINGS, findings),
                    "",
                    "</details>",
                    "",
                ]
    lines += [f"- {text}" for section in sections if (text := loss_agreement(rows, section))]
    for method, inputs in run["inputs"].items():
        adapter = f", initial adapter {inputs['adapter_sha256'][:12]}" if inputs["adapter_sha256"] else ""
        lines.append(
            f"- {method}: token blocks {inputs['blocks_sha256'][:12]}, weights {inputs['model_sha256'][:12]}{adapter} "
            "(sha256); every framework read these."
        )
    return lines


def _not_ok(records: Sequence[Mapping[str, Any]]) -> list[str]:
    failed = [(cell["cell"], cell["outcome"], inline(cell["reason"])) for cell in records if cell["outcome"] != "ok"]
    other = [
        (cell["cell"], "not the same job", inline(cell["why_not_same_job"]))
        for cell in records
        if cell["outcome"] == "ok" and cell["same_job"] == "no"
    ]
    if not failed and not other:
        return []
    return ["## Cells that count for nothing", "", *table(("cell", "outcome", "reason"), [*failed, *other])]


def _phases(records: Sequence[Mapping[str, Any]], sections: Sequence[str]) -> list[str]:
    lines = [
        "Medians over processes. Start and import: of a fresh interpreter, once a run, while others import too. End to "
        "end: from that start to the end of the last step, for a job of this length.",
        "",
    ]
    for section in sections:
        lines += [f"### {section}", "", *table(phases.HEADINGS, phases.phase_rows(records, section)), ""]
    return lines[:-1]


def _limits(run: Mapping[str, Any], records: Sequence[Mapping[str, Any]], sections: Sequence[str]) -> list[str]:
    lines = [limits.ceilings_text(run), limits.FLOOR_TEXT, ""]
    for section in sections:
        headings, rows = limits.limit_table(records, section)
        lines += [f"### {section}", "", *table(headings, rows), ""]
    return lines[:-1]


def _capacity(folder: RunFolder) -> list[str]:
    searches = SearchFile(folder.path).read()
    if not searches:
        return []
    rows = capacity.capacity_rows(searches)
    return ["## How long, how many at once", "", capacity.EXPLANATION, "", *table(capacity.HEADINGS, rows)]


def _capabilities(folder: RunFolder) -> list[str]:
    probes = ProbeFile(folder.path).read()
    if not probes:
        return []
    lines = table(capabilities.headings(probes), capabilities.capability_rows(probes))
    lines += ["", "<details><summary>What showed each ending</summary>", ""]
    lines += table(capabilities.DETAIL_HEADINGS, capabilities.detail_rows(probes))
    device = "a GPU" if probes[0].device == "cuda" else "a CPU"
    return ["## What each can do", "", f"On {device}. {capabilities.EXPLANATION}", "", *lines, "", "</details>"]


def _rating(folder: RunFolder, run: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> list[str]:
    rubric = read_rubric()
    ratings = rate(rubric, gather_facts(folder))
    found = recommend(rubric, ratings)
    on = run["host"]["gpu"] or run["host"]["cpu"]
    lines = ["## Stars, and what follows for whom", "", matrix.old_recommendation(rubric, found, on), ""]
    lines += [*table(matrix.RECOMMENDATION_HEADINGS, matrix.recommendation_rows(rubric, found)), ""]
    lines += [*table(matrix.MATRIX_HEADINGS, matrix.matrix_rows(rubric, ratings)), "", matrix.rule_text(rubric), ""]
    lines += ["<details><summary>What each star follows from</summary>", ""]
    lines += [*table(matrix.MEASURE_HEADINGS, matrix.measure_rows(rubric, ratings)), "", "</details>", ""]
    lines += [f"- {line}" for line in matrix.differences(rubric, ratings)]
    projected = project(records, "qlora")
    if projected:
        job = Experiment.from_dict(run["experiment"]).jobs["qlora"]
        lines += ["", "### 10 and 20 billion tokens by QLoRA", "", matrix.projection_text(run, job), ""]
        lines += table(matrix.PROJECTION_HEADINGS, matrix.projection_rows(projected, run, job, ""))
    return lines


def _claims(folder: RunFolder) -> list[str]:
    how = "What is published about these frameworks, held against this run alone: [claims](../docs/claims.md)."
    return ["## Claims", "", how, "", *claims.markdown(judgements([folder]))]


def _conditions(run: Mapping[str, Any]) -> list[str]:
    host, experiment = run["host"], run["experiment"]
    inputs: Mapping[str, Any] = next(iter(run["inputs"].values()), {})
    pairs: list[tuple[str, object]] = [
        ("recipe, profile", f"{experiment['recipe']}, {experiment['profile']}"),
        ("model", inputs.get("model_source")),
        ("tokenizer", inputs.get("tokenizer_source")),
        ("text", inputs.get("dataset_source")),
        ("CPU", f"{host['cpu']}, {host['cpu_threads']} threads usable"),
        ("GPU", f"{host['gpu']} (driver {host['gpu_driver']})" if host["gpu"] else "none"),
        ("memory", units.gibibytes(host["memory_bytes"])),
        ("system", f"{host['system']}, {host['machine']}"),
        ("OMP_NUM_THREADS", run["omp_num_threads"]),
        ("start", _start(run["start"])),
        ("repeats, seed of the order", f"{experiment['repeats']}, {experiment['seed']}"),
        ("run on", run["created"]),
        ("harness", f"{run['harness_version']}, commit {run['source_commit'] or 'unknown'}"),
    ]
    jobs = experiment["jobs"]
    first = next(iter(jobs.values()))
    lines = table(("condition", "value"), [(name, inline(str(value))) for name, value in pairs])
    knobs = [
        (key, inline(without_machine_paths(json.dumps(value))))
        for key, value in first.items()
        if key not in {"method", "shape"}
    ]
    knobs += [(f"shape.{key}", json.dumps(value)) for key, value in first["shape"].items()]
    return [
        *lines,
        "",
        "<details><summary>Every knob of the job</summary>",
        "",
        *table(("knob", "value"), knobs),
        "",
        "</details>",
    ]


def _start(start: str | None) -> str:
    if start == "warm":
        return "warm: a fresh process per cell, forked from one that has imported the framework"
    return "cold: a new interpreter per cell"


def _versions(run: Mapping[str, Any]) -> list[str]:
    told = {name: facts.get("versions", {}) for name, facts in run["frameworks"].items()}
    packages = sorted({package for versions in told.values() for package in versions})
    rows = [(package, *(told[name].get(package, units.NOTHING) for name in told)) for package in packages]
    rows.append(
        (
            "seconds to import, others doing so too",
            *(str(run["frameworks"][name].get("import_seconds", units.NOTHING)) for name in told),
        )
    )
    return table(("package", *told), rows)


def _native_configs(folder: RunFolder, records: Sequence[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    shown: set[tuple[str, str]] = set()
    for cell in sorted(records, key=lambda cell: (section_of(cell), cell["framework"], cell["repeat"])):
        key = cell["framework"], section_of(cell)
        config = folder.read_native_config(cell["cell"])
        if key in shown or config is None:
            continue
        shown.add(key)
        lines += [f"<details><summary>{key[0]}, {key[1]}</summary>", "", f"`{config['command']}`", ""]
        lines += [
            "```yaml",
            yaml.safe_dump(config["options"], sort_keys=False, width=110).rstrip(),
            "```",
            "",
            "</details>",
            "",
        ]
    return lines[:-1]


def _reproduce(run: Mapping[str, Any]) -> list[str]:
    return ["```", without_machine_paths(str(run.get("command", ""))), "```"]
