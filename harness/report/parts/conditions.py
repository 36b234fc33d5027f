"""The conditions of a run: machine, job, versions, native configs, the command."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from harness.files.machine_paths import without_machine_paths
from harness.job.experiment import section_of
from harness.machine.host import Host
from harness.records.cell_record import CellRecord
from harness.report.parts.blocks import Block, Code, Folded, Table
from harness.report.parts.recorded import ReportedRun
from harness.text import units


def conditions(run: ReportedRun) -> Iterator[Block]:
    """Yield machine, inputs, order, and every knob of the job."""
    record, host, experiment = run.record, run.record.host, run.experiment
    inputs = next(iter(record.inputs.values()), None)
    pairs: list[tuple[str, object]] = [
        ("recipe, profile", f"{experiment.recipe}, {experiment.profile}"),
        ("model", inputs and inputs.model_source),
        ("tokenizer", inputs and inputs.tokenizer_source),
        ("text", inputs and inputs.dataset_source),
        ("CPU", f"{host.cpu}, {host.cpu_threads} threads usable"),
        ("GPU", f"{host.gpu} (driver {host.gpu_driver})" if host.gpu else "none"),
        ("memory", units.gibibytes(host.memory_bytes)),
        *_nodes(run),
        ("system", f"{host.system}, {host.machine}{_numa(host)}"),
        ("OMP_NUM_THREADS", record.omp_num_threads),
        ("start", _start(record.start)),
        ("repeats, seed of the order", f"{experiment.repeats}, {experiment.seed}"),
        ("run on", record.created),
        ("harness", f"{record.harness_version}, commit {record.source_commit or 'unknown'}"),
    ]
    yield Table(headings=("condition", "value"), rows=[(name, str(value)) for name, value in pairs])
    first = next(iter(experiment.jobs.values())).as_dict()
    knobs = [
        (key, without_machine_paths(json.dumps(value)))
        for key, value in first.items()
        if key not in {"method", "shape"}
    ]
    knobs += [(f"shape.{key}", json.dumps(value)) for key, value in first["shape"].items()]
    yield Folded(title="Every knob of the job", blocks=(Table(headings=("knob", "value"), rows=knobs),))


def _nodes(run: ReportedRun) -> list[tuple[str, object]]:
    """Return which rounds ran on which machine of the kind; nothing if all ran on one."""
    rounds: dict[str, set[int]] = {}
    for cell in run.cells:
        if cell.node:
            rounds.setdefault(cell.node, set()).add(cell.repeat)
    if len(rounds) < 2:
        return []
    nodes = [f"{node}: rounds {', '.join(map(str, sorted(numbers)))}" for node, numbers in rounds.items()]
    return [("machines of this kind", "; ".join(sorted(nodes)))]


def _numa(host: Host) -> str:
    """Return NUMA nodes, the CPU's governor and the container's CPU quota, if the system says."""
    nodes, governor, quota = host.numa_nodes, host.cpu_governor, host.cpu_quota_cores
    facts = [
        f"{nodes} NUMA nodes" if nodes else "",
        f"governor {governor}" if governor else "",
        f"a quota of {quota:g} cores" if quota else "",
    ]
    return "".join(f", {fact}" for fact in facts if fact)


def _start(start: str | None) -> str:
    if start == "warm":
        return "warm: a fresh process per cell, forked from one that has imported the framework"
    if start == "ahead":
        return "ahead: a new interpreter per cell, which imported before others began and waited, a CUDA context open"
    return "cold: a new interpreter per cell"


def versions(run: ReportedRun) -> Iterator[Block]:
    """Yield the versions of the packages in each framework's environment."""
    versions_of = {name: facts.versions for name, facts in run.record.frameworks.items()}
    packages = sorted({package for versions in versions_of.values() for package in versions})
    rows = [(package, *(versions_of[name].get(package, units.NOTHING) for name in versions_of)) for package in packages]
    seconds = (facts.import_seconds for facts in run.record.frameworks.values())
    importing = (units.NOTHING if took is None else str(took) for took in seconds)
    rows.append(("seconds to import, others doing so too", *importing))
    yield Table(headings=("package", *versions_of), rows=rows)


def native_configs(run: ReportedRun) -> Iterator[Block]:
    """Yield the job as each framework's config."""
    shown: set[tuple[str, str]] = set()
    for cell in _in_order(run.cells):
        key = cell.framework, section_of(cell)
        if key in shown or (config := run.checked.folder.read_native_config(cell.cell)) is None:
            continue
        shown.add(key)
        yield Folded(title=run.config_name(cell), blocks=config_blocks(config), anchor=run.config_name(cell))


def config_blocks(config: Mapping[str, Any]) -> tuple[Block, ...]:
    """Return a recorded native config: the framework's own command, and its options."""
    options = yaml.safe_dump(config["options"], sort_keys=False, width=110).rstrip()
    return (Code(text=str(config["command"])), Code(text=options, language="yaml"))


def command(run: ReportedRun) -> Iterator[Block]:
    """Yield the command that reproduces the run."""
    yield Code(text=without_machine_paths(run.record.command))


def _in_order(records: Iterable[CellRecord]) -> list[CellRecord]:
    return sorted(records, key=lambda cell: (section_of(cell), cell.framework, cell.repeat))
