"""Write what docs/ says about result files from their types: `python scripts/make_schemas.py`.

docs/schemas/ gets a JSON schema of each file, and docs/results.md a table of the columns of a cell's record.
"""

from __future__ import annotations

import json
from typing import Any

import pydantic

from harness.audit.verdict import Verdict
from harness.files.locations import SOURCE_ROOT
from harness.records.cell_record import ADDED_BY_READING, COLUMNS, CellRecord, kind_of
from harness.records.deployments import DeploymentRecord
from harness.records.probes import ProbeRecord
from harness.records.run_record import RunRecord
from harness.records.searches import SearchRecord

DOCS = SOURCE_ROOT / "docs"
SCHEMAS: dict[str, Any] = {
    "cell": CellRecord,
    "run": RunRecord,
    "audit": Verdict,
    "capacity-search": SearchRecord,
    "capability-probe": ProbeRecord,
    "deployment": DeploymentRecord,
}
BEGIN, END = "<!-- columns: made by scripts/make_schemas.py -->", "<!-- end of columns -->"
KINDS = {str: "text", int: "count", float: "number", bool: "true or false"}


def main() -> None:
    """Write them."""
    folder = DOCS / "schemas"
    folder.mkdir(exist_ok=True)
    for name in SCHEMAS:
        (folder / f"{name}.json").write_text(schema_of(name), encoding="utf-8")
    page = DOCS / "results.md"
    page.write_text(with_columns(page.read_text(encoding="utf-8")), encoding="utf-8")


def schema_of(name: str) -> str:
    """Return the JSON schema of a kind of record, as text."""
    schema = pydantic.TypeAdapter(SCHEMAS[name]).json_schema(mode="validation")
    return json.dumps(schema, indent=1) + "\n"


def with_columns(page: str) -> str:
    """Return the page with a new table of columns."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{column_table()}\n{END}{after}"


def column_table() -> str:
    """Return a row per column: its name, its type, and its meaning."""
    rows = [
        f"| {name}{' *' if name in ADDED_BY_READING else ''} | {KINDS[kind_of(name)]} | {_meaning(name)} |"
        for name in COLUMNS
    ]
    return "\n".join(["| column | holds | meaning |", "| --- | --- | --- |", *rows])


def _meaning(name: str) -> str:
    return str(CellRecord.model_fields[name].description)


if __name__ == "__main__":
    main()
