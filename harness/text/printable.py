"""Make text harmless that a framework, a model or an error may have printed."""

from __future__ import annotations


def printable(text: str, instead: str = " ") -> str:
    """Return text without control and invisible characters and line separators. Ends of lines and tabs stay."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() or character in "\n\t" else instead for character in text)
