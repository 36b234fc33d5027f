"""A recorded run as people and tools get it: one row per cell, with what the audit says of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.audit.timed import audited_record
from harness.record import RECORD_COLUMNS, RunFolder

if TYPE_CHECKING:
    import pandas as pd

AUDIT_COLUMNS = ("same_job", "why_not_same_job")
_AT = RECORD_COLUMNS.index("deviations")
RESULT_COLUMNS = (*RECORD_COLUMNS[:_AT], *AUDIT_COLUMNS, *RECORD_COLUMNS[_AT:])


def read_cells(folder: RunFolder) -> list[dict[str, Any]]:
    """The record of every cell with RESULT_COLUMNS. Raises RunFolderError."""
    verdicts = {(one["framework"], one["method"]): one for one in folder.read_audits()}
    cells = []
    for record in folder.read_records():
        losses = [step["loss"] for step in folder.read_steps(record["cell"])]
        audited = audited_record(record, losses, verdicts.get((record["framework"], record["method"])))
        cells.append({name: audited.get(name) for name in RESULT_COLUMNS})
    return cells


def load_frame(path: str | Path) -> pd.DataFrame:
    """One row per cell of a run's folder. Raises RunFolderError."""
    import pandas as pd

    folder = RunFolder(Path(path))
    folder.read_run()
    frame = pd.DataFrame(read_cells(folder), columns=list(RESULT_COLUMNS))
    return frame.sort_values(["method", "framework", "repeat"], ignore_index=True)
