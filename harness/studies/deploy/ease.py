"""How easily a framework's result was exported, in one of four words."""

from __future__ import annotations

from typing import Literal

from harness.records.deployments import DeploymentRecord

Ease = Literal["as trained", "with a workaround", "not as trained", "failed"]


def ease_of(record: DeploymentRecord) -> Ease:
    """Return how an export went: what it holds comes first, then whether the framework's own means were enough."""
    if record.export is None:
        return "failed"
    if record.export.faults:
        return "not as trained"
    return "with a workaround" if record.export.workarounds else "as trained"
