"""The facts behind the rubric's measures: one recorded run with its searches and probes, and a dated snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from harness.audit.verdict import PROVEN
from harness.files.locations import RECIPES
from harness.job.experiment import Experiment
from harness.job.frameworks import BASELINE, FRAMEWORKS
from harness.records.cell_record import CellRecord
from harness.records.checked_run import CheckedRun
from harness.records.deployments import Deployments
from harness.records.probes import ProbeRecord
from harness.records.searches import SearchRecord

REGISTRY_FACTS = RECIPES / "registry-facts.yaml"
RATED = tuple(name for name in FRAMEWORKS if name != BASELINE)
"""The frameworks that the old report rates. A score is a share of their best figure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """The facts behind measures: one run with its searches and probes, and what is installed and shipped."""

    experiment: Experiment
    cells: Sequence[CellRecord]
    """Cells that were ok and the same job, without twins."""
    native: Mapping[str, Mapping[str, Any]]
    """Each framework's config of one job, if there is one."""
    searches: Sequence[SearchRecord]
    probes: Sequence[ProbeRecord]
    deployments: Deployments
    """What became of the results after training."""
    registry: Mapping[str, Any]
    """Content of recipes/registry-facts.yaml; empty without it."""


def gather_facts(run: CheckedRun) -> Facts:
    """Gather the facts of a recorded run, with the searches and probes in its folder. Raises RunFolderError."""
    folder = run.folder
    cells = [
        cell
        for cell in run.cells
        if cell.outcome == "ok" and not cell.twin and cell.framework in FRAMEWORKS and cell.same_job in PROVEN
    ]
    native: dict[str, Mapping[str, Any]] = {}
    for cell in sorted(cells, key=lambda cell: cell.method != "lora"):
        if cell.framework not in native and (config := folder.read_native_config(cell.cell)):
            native[cell.framework] = config["options"]
    registry = yaml.safe_load(REGISTRY_FACTS.read_text(encoding="utf-8")) if REGISTRY_FACTS.is_file() else {}
    by_framework = registry.get("frameworks", {})
    return Facts(
        experiment=run.record.experiment,
        cells=cells,
        native=native,
        searches=run.searches,
        probes=run.probes,
        deployments=run.deployments,
        registry={**registry, "frameworks": {name: by_framework[name] for name in FRAMEWORKS if name in by_framework}},
    )
