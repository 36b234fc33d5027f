from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import RecipeError
from harness.studies.claims.registry import choose_claims, read_claims

GOOD = """\
claims:
  - id: Z1
    statement: Unsloth is 24% faster.
    subject: unsloth
    baseline: torchtune
    parts: [{metric: percent_faster, at_least: 24}]
    conditions: {device: cuda, gpu: RTX 4090}
    source: {where: somewhere, date: 2024-06-01}
"""

COMPILE = "setting: {what: compile, job: {compile: true}}"
PUBLISHED = """R1.1 R1.2 R1.3 R1.4 R1.5 R1.6 R1.7 R1.8 R1.9 R1.10 R1.11 R1.12 R2.1 R2.2 R3.1 R3.2 R3.3 R4.1 R5 R6 R6.2
R7 R7.2 R8.1 R8.2 R8.3 R8.4 R8.5 U1 U2 U3 U4 U5 U6 X1 T1 T2 T3 L1 L2 L3 A1 A2 K1 K2"""


def registry(folder: Path, text: str) -> Path:
    (folder / "some.yaml").write_text(text, encoding="utf-8")
    return folder


def test_every_published_claim_is_in_the_registry_once() -> None:
    assert [claim.id for claim in read_claims()] == PUBLISHED.split()


def test_a_claim_tells_which_conditions_it_gives_and_which_it_does_not(tmp_path: Path) -> None:
    (claim,) = read_claims(registry(tmp_path, GOOD))
    assert claim.conditions.given == {"device": "cuda", "gpu": "RTX 4090"}
    assert {"model", "method", "sequence_length", "versions"} <= set(claim.conditions.not_given)
    assert claim.source.date == "2024-06-01"


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("percent_faster", "percent_quicker"), 6, "claims.0.parts.0.metric"),
        (("percent_faster", "percent_less_time"), 2, "24% faster is 19.4% less time"),
        (("is 24% faster", "takes 24% less time"), 2, "24% faster is 19.4% less time"),
        (("    source: {where: somewhere, date: 2024-06-01}\n", ""), 2, "claims.0.source: is missing"),
        (("where: somewhere", "where: ''"), 8, "claims.0.source.where"),
        (("subject: unsloth", "subject: unslooth"), 4, "did you mean unsloth?"),
        (("baseline: torchtune", "baseline: fairseq"), 5, "known are transformers"),
        (("    baseline: torchtune\n", ""), 2, "percent_faster needs a baseline"),
        (("percent_faster,", f"context_tokens, {COMPILE},"), 2, "what is: times_faster"),
        (
            (
                "parts: [",
                f"parts: [{{metric: times_faster, at_least: 2, {COMPILE}}}, "
                "{metric: times_faster, at_least: 2, setting: {what: kernels, native: {kernels: true}}}, ",
            ),
            2,
            "its parts switch different things on",
        ),
        (("at_least: 24", "at_least: 24, at_most: 20"), 6, "at_least 24 is above at_most 20"),
        (("at_least: 24", "at_least: -3"), 6, "greater than or equal to 0"),
        ((", at_least: 24", ""), 6, "needs at_least, at_most or both"),
        (("percent_faster, at_least: 24", "percent_less_memory, at_least: 120"), 6, "must be below 100"),
        (("percent_faster, at_least: 24", "same_loss, at_least: 24"), 6, "has no range"),
        (("gpu: RTX 4090", "gpuu: RTX 4090"), 7, "did you mean gpu?"),
        (("id: Z1", "id: claim"), 2, "claims.0.id"),
    ],
)
def test_a_broken_entry_is_named_by_file_line_and_key(
    tmp_path: Path, change: tuple[str, str], line: int, words: str
) -> None:
    with pytest.raises(RecipeError) as refused:
        read_claims(registry(tmp_path, GOOD.replace(*change)))
    assert f"some.yaml, line {line}: " in str(refused.value)
    assert words in str(refused.value)


def test_an_id_is_used_once_over_all_files(tmp_path: Path) -> None:
    registry(tmp_path, GOOD)
    (tmp_path / "other.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(RecipeError, match="Z1: is the id of another claim already"):
        read_claims(tmp_path)


def test_a_folder_without_claims_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"has no \*.yaml"):
        read_claims(tmp_path)


def test_claims_are_chosen_by_id_or_by_the_start_of_it() -> None:
    claims = read_claims()
    assert [claim.id for claim in choose_claims(claims, "U6, R3")] == ["U6", "R3.1", "R3.2", "R3.3"]
    assert [claim.id for claim in choose_claims(claims, "R1.1")] == ["R1.1"]
    assert len(choose_claims(claims, "all")) == len(claims)
    with pytest.raises(RecipeError, match="U66"):
        choose_claims(claims, "U66")
    with pytest.raises(RecipeError, match="names no claim"):
        choose_claims(claims, ",")
