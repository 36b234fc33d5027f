"""Judge the registry's claims by recorded runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.records.checked_run import CheckedRun
from harness.records.run_folder import RunFolder
from harness.studies.claims.gather import gather
from harness.studies.claims.judge import Judgement, judge
from harness.studies.claims.registry import CLAIMS, choose_claims, read_claims


def judgements(sources: Iterable[RunFolder | CheckedRun], ids: str = "all", registry: Path = CLAIMS) -> list[Judgement]:
    """Return a judgement per chosen claim, in the registry's order. Raises RecipeError or RunFolderError."""
    chosen = choose_claims(read_claims(registry), ids)
    recorded = gather(sources)
    return [judge(claim, recorded) for claim in chosen]
