"""What docs/ says of result files is what their types say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.files.locations import SOURCE_ROOT
from scripts.make_schemas import DOCS, SCHEMAS, schema_of, with_columns

REFERENCE = SOURCE_ROOT / "results" / "reference-cpu"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_committed_schema_is_that_of_its_type(name: str) -> None:
    committed = (DOCS / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    assert keys_of(json.loads(committed)) == keys_of(json.loads(schema_of(name)))


def keys_of(schema: Any) -> dict[str, Any]:
    """Each object's keys with what is said of them; how pydantic writes their types differs by its version."""
    objects = {"": schema, **schema.get("$defs", {})}
    return {
        name: {key: value.get("description") for key, value in found.get("properties", {}).items()}
        for name, found in objects.items()
    }


def test_the_table_of_columns_is_made_from_the_record() -> None:
    page = (DOCS / "results.md").read_text(encoding="utf-8")
    assert with_columns(page) == page


@pytest.mark.parametrize("path", [REFERENCE / "run.json", next(REFERENCE.glob("cells/*/cell.json"))], ids=str)
def test_every_key_of_a_committed_file_is_in_its_schema(path: Path) -> None:
    known = json.loads(schema_of(path.stem))["properties"]
    assert set(json.loads(path.read_text(encoding="utf-8"))) - {"schema_version", "sealed_sha256"} <= set(known)
