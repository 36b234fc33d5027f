"""An Ollama Modelfile for a result, and a check of one against the documented grammar.

The grammar is that of Ollama's documentation of the Modelfile: instructions, parameters and their types, strings in
three quotes. Ollama itself is in no package registry and was not run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

INSTRUCTIONS = ("FROM", "PARAMETER", "TEMPLATE", "SYSTEM", "ADAPTER", "LICENSE", "MESSAGE", "REQUIRES")
PARAMETERS: dict[str, Callable[[str], object]] = {
    "num_ctx": int,
    "repeat_last_n": int,
    "repeat_penalty": float,
    "temperature": float,
    "seed": int,
    "stop": str,
    "num_predict": int,
    "draft_num_predict": int,
    "top_k": int,
    "top_p": float,
    "min_p": float,
}
ROLES = ("system", "user", "assistant")
QUOTES = '"""'
LINE = re.compile(r"^\s*(?P<instruction>\w+)(?:\s+(?P<rest>.*))?$", re.DOTALL)
MODELFILE_CONTEXT = 2048
"""Tokens of context that our Modelfiles ask for."""
NOT_RUN = "Ollama was not run: its Modelfile was checked by the documented grammar"


def modelfile_of(filename: str, *, context: int, end: str) -> str:
    """Return the Modelfile of a GGUF file beside it, for a model that continues text.

    `end`: the token that ends a document.
    """
    return "\n".join(
        [
            f"FROM ./{filename}",
            f"TEMPLATE {QUOTES}{{{{ .Prompt }}}}{QUOTES}",
            f"PARAMETER num_ctx {context}",
            f'PARAMETER stop "{end}"',
            "",
        ]
    )


def modelfile_problems(text: str) -> tuple[str, ...]:
    """Return what the grammar does not allow, a sentence each; empty if there is nothing."""
    problems: list[str] = []
    seen: list[str] = []
    for number, statement in _statements(text):
        match = LINE.match(statement)
        instruction = match["instruction"].upper() if match else ""
        rest = (match["rest"] or "").strip() if match else ""
        if instruction not in INSTRUCTIONS:
            problems.append(f"line {number}: {statement.strip()[:40]!r} begins with no instruction")
            continue
        seen.append(instruction)
        problems += [f"line {number}: {why}" for why in _why_wrong(instruction, rest)]
    if "FROM" not in seen:
        problems.append("it has no FROM")
    return tuple(problems)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each statement with the number of its first line. One with an open string goes on to its end."""
    gathered, began = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not gathered and (not line.strip() or line.lstrip().startswith("#")):
            continue
        began = began or number
        gathered = f"{gathered}\n{line}" if gathered else line
        if gathered.count(QUOTES) % 2 == 0:
            yield began, gathered
            gathered, began = "", 0
    if gathered:
        yield began, gathered


def _why_wrong(instruction: str, rest: str) -> Iterator[str]:
    if not rest:
        yield f"{instruction} says nothing"
    elif rest.count(QUOTES) % 2:
        yield f"{instruction}: its string has no end"
    elif instruction == "PARAMETER":
        yield from _why_wrong_parameter(rest)
    elif instruction == "MESSAGE" and rest.split(maxsplit=1)[0] not in ROLES:
        yield f"MESSAGE {rest.split(maxsplit=1)[0]!r}: must be one of {', '.join(ROLES)}"


def _why_wrong_parameter(rest: str) -> Iterator[str]:
    name, _, value = rest.partition(" ")
    kind = PARAMETERS.get(name)
    if kind is None:
        yield f"PARAMETER {name!r}: must be one of {', '.join(PARAMETERS)}"
        return
    try:
        kind(value.strip())
    except ValueError:
        yield f"PARAMETER {name} {value.strip()!r}: must be {'a whole number' if kind is int else 'a number'}"
    if not value.strip():
        yield f"PARAMETER {name} has no value"
