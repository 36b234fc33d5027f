"""A recorded run as a file of pytest-benchmark: a benchmark per framework and section, a round per process."""

from __future__ import annotations

import json
from typing import Any

from harness.analysis.cell_columns import values_of
from harness.analysis.row_grouping import processes
from harness.errors import RecipeError
from harness.records.checked_run import CheckedRun


def benchmarks_text(run: CheckedRun) -> str:
    """Return JSON that `pytest-benchmark compare` reads, in seconds per steady step. Raises RecipeError."""
    try:
        from pytest_benchmark import __version__
        from pytest_benchmark.stats import Stats
    except ImportError as error:
        problem = "pytest-benchmark needs the package of that name: python -m pip install pytest-benchmark"
        raise RecipeError("command line", "--format", problem) from error
    record = run.record
    benchmarks: list[dict[str, Any]] = []
    for section in record.experiment.sections:
        for key, cells in processes(run.cells, section).items():
            stats: Any = Stats()  # type: ignore[no-untyped-call]
            for seconds in values_of(cells, "median_step_seconds"):
                stats.update(seconds)
            benchmarks.append(
                {
                    "group": section,
                    "name": key.name,
                    "fullname": f"{section}::{key.name}",
                    "params": {"framework": key.framework, "section": section},
                    "param": key.name,
                    "extra_info": {
                        "framework_version": key.version,
                        "same_job": sorted({str(cell.same_job) for cell in cells}),
                        "tokens_per_second": values_of(cells, "tokens_per_second"),
                        "peak_memory_bytes": values_of(cells, "peak_memory_bytes"),
                    },
                    "options": {"disable_gc": False, "timer": "perf_counter", "min_rounds": len(cells), "warmup": True},
                    "stats": {**stats.as_dict(), "iterations": 1, "data": stats.data},
                }
            )
    host = record.host
    content = {
        "machine_info": {
            "node": record.name,
            "machine": host.machine,
            "system": host.system,
            "cpu": {"brand_raw": host.cpu, "count": host.cpu_threads},
            "gpu": host.gpu,
        },
        "commit_info": {"id": record.source_commit or "unknown", "time": record.created, "dirty": False},
        "benchmarks": benchmarks,
        "datetime": record.created,
        "version": __version__,
    }
    return json.dumps(content, indent=2) + "\n"
