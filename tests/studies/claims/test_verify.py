"""`harness verify` on the recorded reference run, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.files.locations import SOURCE_ROOT
from tests.conftest import harness

REFERENCE = str(SOURCE_ROOT / "results" / "reference-cpu")


def test_the_reference_run_judges_what_it_can_and_says_of_the_rest_why_not(tmp_path: Path) -> None:
    done = harness("verify", "--results", REFERENCE, "--format", "json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    verdicts = {verdict["id"]: verdict for verdict in json.loads(done.stdout)}
    assert len(verdicts) == 45
    assert verdicts["R2.1"]["verdict"] in ("confirmed", "refuted", "partly", "inconclusive")
    assert {finding["machine"] for finding in verdicts["R2.1"]["findings"]} == {"AMD EPYC"}
    assert verdicts["R1.1"]["verdict"] == "not comparable"
    assert "device: AMD EPYC, not a GPU" in verdicts["R1.1"]["reason"]
    assert verdicts["R1.1"]["command"] == "python -m harness run --claim R1.1"
    assert verdicts["T1"]["command"] is None
    assert "Not given:" in verdicts["R1.1"]["conditions"]
    assert all(verdict["source"] and verdict["date"] for verdict in verdicts.values())


def test_a_table_gives_the_count_first_and_details_give_every_figure(tmp_path: Path) -> None:
    done = harness("verify", "--results", REFERENCE, "--claims", "R2.1", "--details", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 claim: 1 ")
    assert done.stdout.count("times_faster 0.8 to 1") == 6
    markdown = harness("verify", "--results", REFERENCE, "--claims", "R2", "--format", "markdown", folder=tmp_path)
    assert markdown.stdout.startswith("2 claims: ")
    assert "| claim | verdict | what it says | what was measured |" in markdown.stdout


def test_strict_fails_for_a_claim_that_is_refuted_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "claims:\n"
        "  - id: Z1\n"
        "    statement: torchtune is 50 times as fast.\n"
        "    subject: torchtune\n"
        "    baseline: transformers\n"
        "    parts: [{metric: times_faster, at_least: 50}]\n"
        "    source: {where: a dream, date: 2026-01-01}\n",
        encoding="utf-8",
    )
    options = ("--results", REFERENCE, "--registry", str(tmp_path))
    assert harness("verify", *options, folder=tmp_path).returncode == 0
    strict = harness("verify", *options, "--strict", folder=tmp_path)
    assert strict.returncode == 1
    assert "1 refuted" in strict.stdout
    assert harness("verify", "--results", REFERENCE, "--strict", folder=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--results", "nowhere"], "nowhere: is no folder"),
        (["--results", "."], ".: holds no run"),
        (["--results", REFERENCE, "--claims", "U66"], "'U66' is no claim; did you mean U6?"),
        (["--results", REFERENCE, "--registry", "."], "has no *.yaml with claims"),
    ],
)
def test_what_cannot_be_verified_is_refused_in_one_line(tmp_path: Path, options: list[str], words: str) -> None:
    done = harness("verify", *options, folder=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_claim_names_its_cells_itself(tmp_path: Path) -> None:
    for options in (["--frameworks", "axolotl"], ["--methods", "lora"], ["--resume"]):
        done = harness("run", "--claim", "R2.1", *options, folder=tmp_path)
        assert done.returncode == 2
        assert "says frameworks, methods and track itself" in done.stderr
    assert "is several" in harness("run", "--claim", "R1", folder=tmp_path).stderr


@pytest.mark.slow
def test_a_run_for_a_claim_trains_what_it_needs_and_judges_it(tmp_path: Path) -> None:
    small = ["--set", "sequence_length=32", "--set", "max_steps=3", "--profile", "cpu", "--repeats", "2"]
    done = harness("run", "--claim", "R2.1", *small, "--output", "results/claim", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    cells = {path.name for path in (tmp_path / "results" / "claim" / "cells").iterdir()}
    assert cells == {f"{name}-lora-parity-0{n}" for name in ("unsloth", "axolotl", "torchtune") for n in (1, 2)}
    assert "1 claim: 1 " in done.stdout
