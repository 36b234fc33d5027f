from __future__ import annotations

from pathlib import Path

import pytest

from harness.audit.trace import read_trace
from harness.errors import AuditError


@pytest.mark.parametrize(("text", "words"), [(None, "no trace"), ("{", "cannot be read"), ("{}", "micro_batches")])
def test_a_trace_that_is_missing_or_broken_is_said_to_be(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "trace.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(AuditError, match=words):
        read_trace(path)
