"""Modelfiles follow the documented grammar, and what does not is named with its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.studies.deploy.modelfile import modelfile_of, modelfile_problems
from tests.conftest import hostile


@given(name=st.from_regex(r"[a-z0-9_-]{1,20}\.gguf", fullmatch=True), context=st.integers(min_value=1, max_value=10**6))
def test_every_modelfile_of_ours_follows_the_grammar(name: str, context: int) -> None:
    assert modelfile_problems(modelfile_of(name, context=context, end="<|endoftext|>")) == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("PARAMETER num_ctx 2048", "it has no FROM"),
        ("FROM ./a.gguf\nPARAMETER num_ctx two", "line 2: PARAMETER num_ctx 'two': must be a whole number"),
        ("FROM ./a.gguf\nPARAMETER temprature 0.5", "line 2: PARAMETER 'temprature': must be one of"),
        ("FROM ./a.gguf\nPARAMETER stop", "line 2: PARAMETER stop has no value"),
        ("FROM ./a.gguf\n\nGREETING hello", "line 3: 'GREETING hello' begins with no instruction"),
        ('FROM ./a.gguf\nTEMPLATE """{{ .Prompt }}', "line 2: TEMPLATE: its string has no end"),
        ("FROM ./a.gguf\nMESSAGE robot hello", "line 2: MESSAGE 'robot': must be one of"),
        ("FROM", "line 1: FROM says nothing"),
    ],
)
def test_what_the_grammar_does_not_allow_is_named_with_its_line(text: str, problem: str) -> None:
    assert any(found.startswith(problem) for found in modelfile_problems(text)), modelfile_problems(text)


def test_comments_case_and_strings_over_lines_are_allowed() -> None:
    text = '# made by hand\nfrom ./a.gguf\nSYSTEM """You\nare brief."""\nparameter top_p 0.9\nMESSAGE user hello\n'
    assert modelfile_problems(text) == ()


@hostile
@given(st.text(max_size=200))
def test_no_text_makes_the_check_fail(text: str) -> None:
    assert all(isinstance(problem, str) for problem in modelfile_problems(text))
