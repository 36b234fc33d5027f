"""The old report written anew: nothing of it is left out, and its Chinese is complete."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import pytest

from harness.errors import RecipeError
from harness.files.locations import SOURCE_ROOT
from harness.records.checked_run import CheckedRun, read_checked
from harness.records.run_folder import RunFolder
from harness.report.content.answer import MEMORY, SPEED, Ranked
from harness.report.content.cells import Cell
from harness.report.original.document import original_report
from harness.report.pages.markdown import render_markdown
from harness.studies.claims.registry import read_claims
from harness.text.language import ENGLISH, Language, language_named, languages

RUNS = ("reference-cpu", "reference-h200")


@pytest.fixture(scope="module")
def runs() -> list[CheckedRun]:
    return [read_checked(RunFolder(SOURCE_ROOT / "results" / name)) for name in RUNS]


class Listening(Language):
    """Chinese that keeps every text without a translation."""

    missing: set[str] = set()

    def say(self, text: str, /, **gaps: str) -> str:
        if text not in self.texts and re.search(r"[A-Za-z]{2}", text):
            self.missing.add(text)
        return Language.say(self, text, **gaps)


def test_every_statement_of_the_old_report_is_there_with_its_verdict(runs: Sequence[CheckedRun]) -> None:
    text = render_markdown(original_report(runs, ENGLISH), "")
    statements = [claim.statement for claim in read_claims() if claim.id.startswith("R")]
    assert len(statements) > 25
    for statement in statements:
        (line,) = (line for line in text.splitlines() if line.startswith(f"| {statement} |"))
        assert re.search(r"\| (confirmed|refuted|partly|inconclusive|not comparable|not measured) \|", line)


def test_the_chinese_document_lacks_no_text(runs: Sequence[CheckedRun]) -> None:
    chinese = language_named("zh")
    listening = Listening(code="zh", locale="zh", texts=chinese.texts)
    original_report(runs, listening)
    assert listening.missing == set()


@pytest.mark.parametrize("ranked", [SPEED, MEMORY])
def test_the_chinese_answer_lacks_no_text_and_no_gap(ranked: Ranked) -> None:
    texts = language_named("zh").texts
    for field in dataclasses.fields(ranked):
        text = getattr(ranked, field.name)
        if isinstance(text, str) and field.name != "quantity":
            assert sorted(re.findall(r"{\w+}", texts[text])) == sorted(re.findall(r"{\w+}", text))


def test_every_translation_has_the_gaps_of_its_text() -> None:
    for text, translated in language_named("zh").texts.items():
        assert sorted(re.findall(r"{\w+}", translated)) == sorted(re.findall(r"{\w+}", text)), text


def test_a_criterion_is_rated_by_a_run_that_can_rate_it(runs: Sequence[CheckedRun]) -> None:
    matrix = original_report(runs, ENGLISH).sections[4]
    (table, *_) = matrix.blocks
    rows = {str(row[0]): row[2] for row in getattr(table, "rows", ())}
    speed, ease = rows["speed"], rows["ease of use"]
    assert isinstance(speed, Cell) and isinstance(ease, Cell)
    assert speed.to == "reference-h200.md#stars-speed-unsloth"
    assert ease.to == "reference-cpu.md#stars-ease-of-use-unsloth"


@pytest.mark.parametrize("code", languages())
def test_the_committed_document_is_what_the_results_give(runs: Sequence[CheckedRun], code: str) -> None:
    ending = "" if code == "en" else f".{code}"
    committed = SOURCE_ROOT / "reports" / f"original-regenerated{ending}.md"
    made = render_markdown(original_report(runs, language_named(code)), "")
    assert committed.read_text(encoding="utf-8") == made


def test_a_language_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(RecipeError, match=r"--language: 'fr': there is en, zh"):
        language_named("fr")
