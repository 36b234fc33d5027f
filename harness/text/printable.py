"""Text that a framework, a model or an error may have said, without what a terminal, a page or a font would obey."""

from __future__ import annotations


def printable(text: str, instead: str = " ") -> str:
    """Without control characters, invisible ones and line separators; ends of lines and tabs stay."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() or character in "\n\t" else instead for character in text)
